// What a tool wants of syncd, in Node: `node client.js ADDRESS SYNC METADATA_SYNC REQUEST_ID [PROTO_FOLDER]`; prints one JSON object.
// With PROTO_FOLDER it reads the .proto files, without it it asks the daemon.
import { createHash } from "node:crypto";
import grpc from "@grpc/grpc-js";
import { details, fromDaemon, fromFiles, healthOf, servicesOf } from "./connect.js";

const [address, sync, metadataSync, requestId, folder] = process.argv.slice(2);
const api = folder ? fromFiles(folder) : await fromDaemon(address);
const credentials = grpc.credentials.createInsecure();
const control = new api.Control(address, credentials);
const audit = new api.Audit(address, credentials);
const metadata = new api.Metadata(address, credentials);

/** A call with one answer, with the deadline that every call should have. */
function call(client, method, request) {
  const deadline = Date.now() + 20_000;
  return new Promise((done, fail) => client[method](request, { deadline }, (error, answer) => (error ? fail(error) : done(answer))));
}

/** The messages of a stream. Leaving the loop ends the call: grpc-js would go on with it, and the program would never end. */
async function* messages(client, method, request, options = {}) {
  const call = client[method](request, options);
  call.on("error", () => {}); // that we end it ourselves is an error, too; others reach the loop
  try {
    yield* call;
  } finally {
    call.cancel();
  }
}

/** All syncs, page by page. */
async function syncs() {
  const names = [];
  let page_token = "";
  do {
    const page = await call(control, "ListSyncs", { page_size: 2, page_token });
    names.push(...page.syncs.map(({ name }) => name));
    page_token = page.next_page_token;
  } while (page_token);
  return names;
}

/** A run, asked for twice with one id, as after an answer that got lost; watched until it ends. */
async function run() {
  const wish = { sync, mode: "full", request_id: requestId, queue: true };
  const { run: first } = await call(control, "StartRun", wish);
  const { run: again } = await call(control, "StartRun", wish);
  let state = first.state;
  for await (const { run } of messages(control, "WatchRun", { run: first.id })) state = run.state;
  return { same: first.id === again.id, state };
}

/** What an error tells: the status, our stable reason, and which fields of the request are wrong. */
async function refusal(method, request) {
  try {
    await call(control, method, request);
  } catch (error) {
    const { ErrorInfo, BadRequest } = details(error);
    const fields = (BadRequest?.field_violations ?? []).map(({ field }) => field);
    return { code: grpc.status[error.code], reason: ErrorInfo.reason, domain: ErrorInfo.domain, fields };
  }
}

/** What this daemon can do; its epoch changes with every start. */
async function daemon() {
  const { capabilities, syncs, epoch } = await call(control, "GetDaemon", {});
  return { capabilities, syncs, epoch };
}

/** The first message of a watch is complete. */
async function snapshot() {
  for await (const { snapshot, syncs, epoch, revision } of messages(control, "WatchSyncs", {})) {
    return { complete: snapshot, syncs: syncs.map(({ name }) => name).sort(), epoch, revised: Number(revision) > 0 };
  }
}

/** How a call ends whose time is over. */
async function late() {
  try {
    for await (const message of messages(control, "WatchSyncs", {}, { deadline: Date.now() + 300 }));
  } catch (error) {
    return grpc.status[error.code];
  }
}

/** Some entries of the audit log behind a sequence; the stream would go on for ever. */
async function tail(after_sequence, wanted) {
  const sequences = [];
  for await (const { entries } of messages(audit, "TailAudit", { after_sequence })) {
    sequences.push(...entries.map(({ sequence }) => Number(sequence)));
    if (sequences.length >= wanted) return sequences.slice(0, wanted);
  }
}

/** The bytes of a published object, which arrive in chunks, compared with the digest that was told. */
async function cache() {
  const digest = createHash("sha256");
  let told;
  for await (const message of messages(metadata, "GetCache", { sync: metadataSync })) {
    if (message.part === "info") told = message.info;
    else digest.update(message.chunk);
  }
  const found = digest.digest("hex");
  return { sha256: found, whole: found === told.sha256 };
}

const found = {
  daemon: await daemon(),
  syncs: await syncs(),
  run: await run(),
  unknown: await refusal("GetSync", { sync: "no-such-sync" }),
  invalid: await refusal("StartRun", { sync, mode: "no-such-mode" }),
  snapshot: await snapshot(),
  late: await late(),
  health: [await healthOf(address, ""), await healthOf(address, "syncapi.v1.Control")],
  services: await servicesOf(address),
};
const first = await tail(0, 2);
found.audit = [...first, ...(await tail(first.at(-1), 2))];
found.cache = await cache();
console.log(JSON.stringify(found));
for (const client of [control, audit, metadata]) client.close();
