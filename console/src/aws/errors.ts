/**
 * What went wrong with a call, in the parts that pages show.
 *
 * A refusal of ours carries an encoded authorization message beside AWS's text. The SDK drops what its models do not
 * name, so a middleware takes it from the answer before the SDK reads that.
 */

import S3_ACTIONS from "./s3-actions.json";

export interface Failure {
  /** AWS's error code: `AccessDenied`, `NoSuchEntity`; `NetworkError` when no answer came. */
  code: string;
  message: string;
  /** Set for refusals by policies. */
  denial: Denial | null;
  requestId: string | null;
}

/** What a refusal says: who asked for what, and why it was refused. Texts are null where AWS tells nothing. */
export interface Denial {
  principal: string | null;
  action: string | null;
  resource: string | null;
  reason: string | null;
  /** For DecodeAuthorizationMessage and the Explain page. */
  encodedMessage: string | null;
}

const DENIED = new Set(["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedAccess"]);
const SENTENCE =
  /^User: (?<principal>\S+) is not authorized to perform: (?<action>[\w-]+:\w+)(?: on resource: "?(?<resource>.*?)"?)?(?: (?<reason>because .*|with an explicit deny.*))?$/s;
// What Chromium, Firefox and Safari say of a request that has no answer, whatever the cause.
const UNANSWERED =
  /^(Failed to fetch|network ?error|Error in input stream|Load failed|The network connection was lost)/i;
// In XML and in JSON.
const ENCODED = /EncodedAuthorizationMessage"?\s*[>:]\s*"?([\w-]+)/;

interface CarriesMessage {
  encodedAuthorizationMessage?: string;
  /** What the operation needs, for refusals whose text says nothing: S3's to other accounts. */
  deniedAction?: string;
}

/** The SDK's clients differ in their types of commands, which a middleware for all of them does not look at. */
interface HasMiddleware {
  middlewareStack: {
    // oxlint-disable-next-line typescript/no-explicit-any
    add(middleware: any, options: any): void;
  };
}

/** Whether the credentials are no longer good for anything. */
export function isSessionOver(error: unknown): boolean {
  const { code } = failureOf(error);
  return code === "ExpiredToken" || code === "ExpiredTokenException" || code === "InvalidClientTokenId";
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { code: "Error", message: String(error), denial: null, requestId: null };
  const given = error as Error & CarriesMessage & { $metadata?: { requestId?: string }; Code?: string };
  // Without an answer the SDK, which tries three times, gives the error of fetch.
  if (given.$metadata === undefined || error instanceof TypeError) {
    return UNANSWERED.test(error.message)
      ? {
          code: "NetworkError",
          message: "The server did not answer. Check that it is running and that this computer can reach it.",
          denial: null,
          requestId: null,
        }
      : { code: error.name, message: error.message, denial: null, requestId: null };
  }
  const code = given.Code ?? error.name;
  return {
    code,
    message: error.message,
    denial: DENIED.has(code)
      ? denialOf(error.message, given.encodedAuthorizationMessage ?? null, given.deniedAction)
      : null,
    requestId: given.$metadata.requestId ?? null,
  };
}

/** `needed` is the action where the message names none. */
export function denialOf(message: string, encodedMessage: string | null, needed?: string): Denial {
  const parts = SENTENCE.exec(message)?.groups ?? {};
  return {
    principal: parts["principal"] ?? null,
    action: parts["action"] ?? needed ?? null,
    resource: parts["resource"] ?? null,
    reason: parts["reason"] ?? null,
    encodedMessage,
  };
}

/** The permission that an operation of S3 needs; null for those that need several, and of other services. */
export function neededFor(commandName: string, input: { VersionId?: string }): string | null {
  const action = (S3_ACTIONS as Record<string, string>)[commandName.replace(/Command$/, "")];
  if (action === undefined) return null;
  return input.VersionId === undefined
    ? action
    : action.replace(/^s3:(Get|Put|Delete)Object(Acl|Tagging)?$/, "s3:$1ObjectVersion$2");
}

/** The client, with errors that keep the encoded authorization message. */
export function keepErrorDetails<Client extends HasMiddleware>(client: Client): Client {
  const messages = new WeakMap<object, string>();
  client.middlewareStack.add(
    // oxlint-disable-next-line typescript/no-explicit-any
    (next: any, context: object) => async (request: any) => {
      const answer = await next(request);
      if (answer.response?.statusCode === 403 && answer.response.body != null) {
        const body = new Uint8Array(await new Response(answer.response.body).arrayBuffer());
        // Answers to HEAD have none, and the SDK no name for such an error.
        answer.response.body = body.length === 0 ? new TextEncoder().encode(REFUSED) : body;
        const found = encodedMessageIn(body);
        if (found !== null) messages.set(context, found);
      }
      return answer;
    },
    { step: "deserialize", priority: "low", name: "readEncodedAuthorizationMessage" },
  );
  client.middlewareStack.add(
    // oxlint-disable-next-line typescript/no-explicit-any
    (next: any, context: { commandName?: string }) => async (request: any) => {
      try {
        return await next(request);
      } catch (error) {
        const action = neededFor(context.commandName ?? "", request.input);
        if (action !== null) (error as CarriesMessage).deniedAction = action;
        const found = messages.get(context);
        if (found !== undefined) (error as CarriesMessage).encodedAuthorizationMessage = found;
        throw error;
      }
    },
    { step: "deserialize", priority: "high", name: "keepEncodedAuthorizationMessage" },
  );
  return client;
}

const REFUSED = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";

/** The encoded authorization message in the body of an answer. */
function encodedMessageIn(body: Uint8Array): string | null {
  return ENCODED.exec(new TextDecoder().decode(body))?.[1] ?? null;
}

/** After a command was sent, the encoded authorization message that its answer carries beside AWS's result. */
export function keepEncodedMessage(command: HasMiddleware): () => string | null {
  let found: string | null = null;
  command.middlewareStack.add(
    // oxlint-disable-next-line typescript/no-explicit-any
    (next: any) => async (request: any) => {
      const answer = await next(request);
      if (answer.response?.statusCode === 200 && answer.response.body != null) {
        const body = new Uint8Array(await new Response(answer.response.body).arrayBuffer());
        answer.response.body = body;
        found = encodedMessageIn(body);
      }
      return answer;
    },
    { step: "deserialize", priority: "low", name: "keepEncodedAuthorizationMessageOfAnswer" },
  );
  return () => found;
}
