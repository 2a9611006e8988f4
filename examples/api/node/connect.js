// The services of syncd as grpc-js wants them: from the .proto files, or from the daemon itself.
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";
import protobuf from "protobufjs";

// keepCase: without it, `request_id` would be ignored in silence, because grpc-js expects `requestId`.
const OPTIONS = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true };
const FILES = ["control", "audit", "metadata"].map((name) => `syncapi/v1/${name}.proto`);

/** From the .proto files below a folder. */
export function fromFiles(folder) {
  return grpc.loadPackageDefinition(loader.loadSync(FILES, { ...OPTIONS, includeDirs: [folder] })).syncapi.v1;
}

/** From what the daemon tells about itself, by server reflection: no files are needed. */
export async function fromDaemon(address) {
  const files = new Set();
  const ask = asking(address);
  for (const name of (await listed(ask)).filter((name) => name.startsWith("syncapi."))) {
    const { file_descriptor_response: found } = await ask({ file_containing_symbol: name });
    for (const file of found.file_descriptor_proto) files.add(file.toString("base64"));
  }
  ask.end();
  return grpc.loadPackageDefinition(loader.loadFileDescriptorSetFromBuffer(descriptorSet(files), OPTIONS)).syncapi.v1;
}

/** What the daemon says it serves. */
export async function servicesOf(address) {
  const ask = asking(address);
  const names = await listed(ask);
  ask.end();
  return names.sort();
}

/** Whether a service takes calls; the empty name stands for all of them. */
export async function healthOf(address, service) {
  const client = new HEALTH(address, grpc.credentials.createInsecure());
  try {
    return await new Promise((done, fail) => client.Check({ service }, (error, { status } = {}) => (error ? fail(error) : done(status))));
  } finally {
    client.close();
  }
}

/** Questions to the daemon about itself, answered one by one. */
function asking(address) {
  const client = new REFLECTION(address, grpc.credentials.createInsecure());
  const call = client.ServerReflectionInfo();
  const answers = call[Symbol.asyncIterator]();
  const ask = async (question) => {
    call.write(question);
    return (await answers.next()).value;
  };
  ask.end = () => {
    call.end();
    client.close();
  };
  return ask;
}

async function listed(ask) {
  const { list_services_response: answer } = await ask({ list_services: "" });
  return answer.service.map(({ name }) => name);
}

/** A google.protobuf.FileDescriptorSet: every file as field 1. */
function descriptorSet(files) {
  const writer = protobuf.Writer.create();
  for (const file of files) writer.uint32(10).bytes(Buffer.from(file, "base64"));
  return Buffer.from(writer.finish());
}

/** A package from its text. */
function parsed(text) {
  const { root } = protobuf.parse(text, { keepCase: true });
  return grpc.loadPackageDefinition(loader.fromJSON(root.toJSON(), OPTIONS)).grpc;
}

const REFLECTION = parsed(
  `syntax = "proto3";
  package grpc.reflection.v1alpha;
  service ServerReflection { rpc ServerReflectionInfo(stream Request) returns (stream Response); }
  message Request { oneof message_request { string file_containing_symbol = 4; string list_services = 7; } }
  message Response { Files file_descriptor_response = 4; Services list_services_response = 6; }
  message Files { repeated bytes file_descriptor_proto = 1; }
  message Services { repeated Service service = 1; }
  message Service { string name = 1; }`,
).reflection.v1alpha.ServerReflection;

const HEALTH = parsed(
  `syntax = "proto3";
  package grpc.health.v1;
  service Health { rpc Check(Request) returns (Response); }
  message Request { string service = 1; }
  message Response { enum Status { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; } Status status = 1; }`,
).health.v1.Health;

const STATUS = protobuf.parse(
  `syntax = "proto3";
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Any { string type_url = 1; bytes value = 2; }
  message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
  message BadRequest { repeated Violation field_violations = 1; }
  message Violation { string field = 1; string description = 2; }`,
  { keepCase: true },
).root;

/** What an error carries, by name: of the ErrorInfo, `reason` is stable and `metadata.hint` says what to do. */
export function details(error) {
  const [trailer] = error.metadata?.get("grpc-status-details-bin") ?? [];
  const found = {};
  for (const { type_url, value } of trailer ? STATUS.lookupType("Status").decode(trailer).details : []) {
    const name = type_url.slice("type.googleapis.com/google.rpc.".length);
    const type = STATUS.get(name);
    if (type) found[name] = type.toObject(type.decode(value), { objects: true, arrays: true });
  }
  return found;
}
