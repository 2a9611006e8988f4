// The state of all syncs, for ever: `node watch.js ADDRESS [PROTO_FOLDER]`; prints a line of JSON for each message.
// Whatever ends the stream (a daemon that restarts says `going_away` before it does), the answer is to call again:
// the first message is complete.
import { setTimeout } from "node:timers/promises";
import grpc from "@grpc/grpc-js";
import { fromDaemon, fromFiles } from "./connect.js";

const PAUSE = 200;
const [address, folder] = process.argv.slice(2);
const api = folder ? fromFiles(folder) : await fromDaemon(address);
const control = new api.Control(address, grpc.credentials.createInsecure(), { "grpc.max_reconnect_backoff_ms": 1000 });

for (;;) {
  try {
    for await (const { snapshot, going_away, syncs } of control.WatchSyncs({}, { waitForReady: true })) {
      console.log(JSON.stringify({ snapshot, going_away, syncs: syncs.map(({ name }) => name).sort() }));
    }
  } catch (error) {
    console.error(error.message);
  }
  await setTimeout(PAUSE);
}
