import {
  type DescEnum,
  type DescExtension,
  type DescFile,
  type DescMessage,
  type DescService,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** Finds descriptors by the names that reflection clients ask for. */
export interface DescriptorIndex {
  /** Full names of the services, sorted. */
  readonly serviceNames: readonly string[];
  fileByName(name: string): DescFile | undefined;
  /** The file that defines a message, enum, value, service, method, field or extension. */
  fileBySymbol(name: string): DescFile | undefined;
  fileByExtension(messageName: string, number: number): DescFile | undefined;
  /** Numbers of the extensions of a message, ascending; undefined for an unknown message. */
  extensionNumbers(messageName: string): readonly number[] | undefined;
  /** A file and all that it imports, itself first, as FileDescriptorProto. */
  encode(file: DescFile): Uint8Array[];
}

/** Makes an index over the services, every file that they need, and more files. */
export function indexDescriptors(
  services: readonly DescService[],
  more: readonly DescFile[] = [],
): DescriptorIndex {
  const files = new Map<string, DescFile>();
  for (const file of [...services.map((service) => service.file), ...more]) collect(file, files);
  const symbols = new Map<string, DescFile>();
  const extensions = new Map<string, Map<number, DescFile>>();
  for (const file of files.values()) {
    for (const name of symbolsOf(file)) symbols.set(name, file);
    for (const extension of extensionsOf(file)) {
      const byNumber = extensions.get(extension.extendee.typeName) ?? new Map();
      extensions.set(extension.extendee.typeName, byNumber.set(extension.number, file));
    }
  }
  const encoded = new Map<DescFile, Uint8Array>();
  const encodeOne = (file: DescFile): Uint8Array => {
    const bytes = encoded.get(file) ?? toBinary(FileDescriptorProtoSchema, file.proto);
    encoded.set(file, bytes);
    return bytes;
  };

  return {
    serviceNames: services.map((service) => service.typeName).sort(),
    fileByName: (name) => files.get(name),
    fileBySymbol: (name) => symbols.get(name),
    fileByExtension: (messageName, number) => extensions.get(messageName)?.get(number),
    extensionNumbers(messageName) {
      const byNumber = extensions.get(messageName);
      if (byNumber === undefined) return symbols.has(messageName) ? [] : undefined;
      return [...byNumber.keys()].sort((a, b) => a - b);
    },
    encode: (file) => [...collect(file, new Map()).values()].map(encodeOne),
  };
}

function collect(file: DescFile, into: Map<string, DescFile>): Map<string, DescFile> {
  // The descriptor's own name has the suffix; DescFile.name has not.
  if (into.has(file.proto.name)) return into;
  into.set(file.proto.name, file);
  for (const dependency of file.dependencies) collect(dependency, into);
  return into;
}

function* symbolsOf(file: DescFile): Generator<string> {
  for (const service of file.services) {
    yield service.typeName;
    for (const method of service.methods) yield `${service.typeName}.${method.name}`;
  }
  for (const message of file.messages) yield* symbolsOfMessage(message);
  for (const enumeration of file.enums) yield* symbolsOfEnum(enumeration);
  for (const extension of file.extensions) yield extension.typeName;
}

function* symbolsOfMessage(message: DescMessage): Generator<string> {
  yield message.typeName;
  for (const field of message.fields) yield `${message.typeName}.${field.name}`;
  for (const oneof of message.oneofs) yield `${message.typeName}.${oneof.name}`;
  for (const nested of message.nestedMessages) yield* symbolsOfMessage(nested);
  for (const nested of message.nestedEnums) yield* symbolsOfEnum(nested);
  for (const nested of message.nestedExtensions) yield nested.typeName;
}

function* symbolsOfEnum(enumeration: DescEnum): Generator<string> {
  yield enumeration.typeName;
  // Values are siblings of their enum in protobuf's scoping.
  const scope = enumeration.typeName.slice(0, -enumeration.name.length);
  for (const value of enumeration.values) yield `${scope}${value.name}`;
}

function* extensionsOf(file: DescFile): Generator<DescExtension> {
  yield* file.extensions;
  for (const message of file.messages) yield* nestedExtensionsOf(message);
}

function* nestedExtensionsOf(message: DescMessage): Generator<DescExtension> {
  yield* message.nestedExtensions;
  for (const nested of message.nestedMessages) yield* nestedExtensionsOf(nested);
}
