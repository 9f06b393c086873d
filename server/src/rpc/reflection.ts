import { create, type DescFile, type DescService } from "@bufbuild/protobuf";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import { file_google_rpc_error_details } from "../gen/google/rpc/error_details_pb.ts";
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "../gen/grpc/reflection/v1/reflection_pb.ts";
import {
  ServerReflectionResponseSchema as AlphaResponseSchema,
  ServerReflection as ServerReflectionAlpha,
} from "../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { type DescriptorIndex, indexDescriptors } from "./descriptor-index.ts";

type Answer = ServerReflectionResponse["messageResponse"];

/**
 * Serves grpc.reflection v1 and v1alpha (which most tools still ask first) for the services
 * given, so that grpcurl and the like need no proto files. Reflection lists itself, too.
 */
export function reflectionRoutes(services: readonly DescService[]) {
  const all = [...services, ServerReflection, ServerReflectionAlpha];
  // No service imports the details of errors, but tools look them up to print them.
  const index = indexDescriptors(all, [file_google_rpc_error_details]);
  return (router: ConnectRouter): void => {
    router.service(ServerReflection, {
      async *serverReflectionInfo(requests) {
        for await (const request of requests) {
          yield create(ServerReflectionResponseSchema, {
            validHost: request.host,
            originalRequest: request,
            messageResponse: answer(index, request.messageRequest),
          });
        }
      },
    });
    router.service(ServerReflectionAlpha, {
      async *serverReflectionInfo(requests) {
        for await (const request of requests) {
          const { $typeName: _, ...originalRequest } = request;
          yield create(AlphaResponseSchema, {
            validHost: request.host,
            originalRequest,
            messageResponse: asAlpha(answer(index, request.messageRequest as Question)),
          });
        }
      },
    });
  };
}

type Question = ServerReflectionRequest["messageRequest"];
type AlphaAnswer = NonNullable<
  Parameters<typeof create<typeof AlphaResponseSchema>>[1]
>["messageResponse"];

// The two versions differ in nothing but the package; the message that is nested in the answer
// carries its package's name and must lose it.
function asAlpha(given: Answer): AlphaAnswer {
  if (given.case === undefined) return given;
  const { $typeName: _, ...value } = given.value;
  return { case: given.case, value: plain(value) } as AlphaAnswer;
}

function plain(value: object): object {
  if (!("service" in value)) return value;
  const services = value.service as { name: string }[];
  return { service: services.map(({ name }) => ({ name })) };
}

function answer(index: DescriptorIndex, question: Question): Answer {
  switch (question.case) {
    case "listServices":
      return response("listServicesResponse", {
        service: index.serviceNames.map((name) => ({ name })),
      });
    case "fileByFilename":
      return files(index, index.fileByName(question.value), question.value);
    case "fileContainingSymbol":
      return files(index, index.fileBySymbol(question.value), question.value);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = question.value;
      const file = index.fileByExtension(containingType, extensionNumber);
      return files(index, file, `${containingType} [${extensionNumber}]`);
    }
    case "allExtensionNumbersOfType": {
      const numbers = index.extensionNumbers(question.value);
      if (numbers === undefined) return unknown(question.value);
      return response("allExtensionNumbersResponse", {
        baseTypeName: question.value,
        extensionNumber: [...numbers],
      });
    }
    default:
      return response("errorResponse", {
        errorCode: Code.InvalidArgument,
        errorMessage: "no question in the request",
      });
  }
}

function files(index: DescriptorIndex, file: DescFile | undefined, name: string): Answer {
  if (file === undefined) return unknown(name);
  return response("fileDescriptorResponse", { fileDescriptorProto: index.encode(file) });
}

function unknown(name: string): Answer {
  return response("errorResponse", { errorCode: Code.NotFound, errorMessage: `unknown: ${name}` });
}

function response(name: NonNullable<Answer["case"]>, value: object): Answer {
  const messageResponse = { case: name, value } as Answer;
  return create(ServerReflectionResponseSchema, { messageResponse }).messageResponse;
}
