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
  const call = new (reflection())(address, grpc.credentials.createInsecure()).ServerReflectionInfo();
  const answers = call[Symbol.asyncIterator]();
  const ask = async (question) => {
    call.write(question);
    return (await answers.next()).value;
  };
  const { list_services_response: listed } = await ask({ list_services: "" });
  const files = new Set();
  for (const { name } of listed.service.filter(({ name }) => name.startsWith("syncapi."))) {
    const { file_descriptor_response: found } = await ask({ file_containing_symbol: name });
    for (const file of found.file_descriptor_proto) files.add(file.toString("base64"));
  }
  call.end();
  return grpc.loadPackageDefinition(loader.loadFileDescriptorSetFromBuffer(descriptorSet(files), OPTIONS)).syncapi.v1;
}

/** A google.protobuf.FileDescriptorSet: every file as field 1. */
function descriptorSet(files) {
  const writer = protobuf.Writer.create();
  for (const file of files) writer.uint32(10).bytes(Buffer.from(file, "base64"));
  return Buffer.from(writer.finish());
}

function reflection() {
  const { root } = protobuf.parse(
    `syntax = "proto3";
    package grpc.reflection.v1alpha;
    service ServerReflection { rpc ServerReflectionInfo(stream Request) returns (stream Response); }
    message Request { oneof message_request { string file_containing_symbol = 4; string list_services = 7; } }
    message Response { Files file_descriptor_response = 4; Services list_services_response = 6; }
    message Files { repeated bytes file_descriptor_proto = 1; }
    message Services { repeated Service service = 1; }
    message Service { string name = 1; }`,
    { keepCase: true },
  );
  return grpc.loadPackageDefinition(loader.fromJSON(root.toJSON(), OPTIONS)).grpc.reflection.v1alpha.ServerReflection;
}

const STATUS = protobuf.parse(
  `syntax = "proto3";
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Any { string type_url = 1; bytes value = 2; }
  message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }`,
).root;

/** The google.rpc.ErrorInfo of an error: its `reason` is stable, `metadata.hint` says what to do. */
export function errorInfo(error) {
  const [trailer] = error.metadata?.get("grpc-status-details-bin") ?? [];
  if (!trailer) return undefined;
  const { details } = STATUS.lookupType("Status").decode(trailer);
  const detail = details.find(({ type_url, typeUrl }) => (typeUrl ?? type_url).endsWith("/google.rpc.ErrorInfo"));
  return detail && STATUS.lookupType("ErrorInfo").toObject(STATUS.lookupType("ErrorInfo").decode(detail.value), { objects: true });
}
