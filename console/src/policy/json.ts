/**
 * JSON with a memory: every value and key knows where it stands in the text, so that a finding can point at it.
 *
 * It reads what the server reads: no key twice in an object, at most 32 levels.
 */

export type JsonNode =
  | { kind: "object"; start: number; end: number; members: Member[] }
  | { kind: "array"; start: number; end: number; items: JsonNode[] }
  | { kind: "string"; start: number; end: number; value: string }
  | { kind: "number" | "boolean"; start: number; end: number; value: string }
  | { kind: "null"; start: number; end: number };

export interface Member {
  key: string;
  /** Where the key begins. */
  start: number;
  value: JsonNode;
}

/** The text is no JSON from here on. */
export class JsonError extends Error {
  override name = "JsonError";

  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
  }
}

const DEEPEST = 32;
const SPACE = /[ \t\n\r]*/y;
const STRING = /"((?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*)"/uy;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
const WORD = /true|false|null/y;

/** The value of a text. Raises JsonError. */
export function parseJson(text: string): JsonNode {
  return new Reader(text).whole();
}

/** Line and column, from 1, of an offset. */
export function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return { line, column: offset - before.lastIndexOf("\n") };
}

/** The member of an object, if it is one and has it. */
export function member(node: JsonNode | undefined, key: string): Member | undefined {
  return node?.kind === "object" ? node.members.find((one) => one.key === key) : undefined;
}

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  whole(): JsonNode {
    this.space();
    const value = this.value(0);
    this.space();
    if (this.at < this.text.length) throw this.error("Nothing may follow the end of the document");
    return value;
  }

  private value(depth: number): JsonNode {
    if (depth > DEEPEST) throw this.error("The document is nested too deeply");
    const start = this.at;
    const first = this.text[start];
    if (first === "{") return this.object(depth);
    if (first === "[") return this.array(depth);
    if (first === '"') return { kind: "string", start, value: this.string(), end: this.at };
    const word = this.take(WORD);
    if (word === "null") return { kind: "null", start, end: this.at };
    if (word !== null) return { kind: "boolean", start, end: this.at, value: word };
    const number = this.take(NUMBER);
    if (number !== null && number !== "") return { kind: "number", start, end: this.at, value: number };
    throw this.error(first === undefined ? "The document ends where a value is expected" : "Expected a value");
  }

  private object(depth: number): JsonNode {
    const start = this.at;
    const members: Member[] = [];
    this.at += 1;
    this.space();
    if (this.skip("}")) return { kind: "object", start, end: this.at, members };
    for (;;) {
      const place = this.at;
      if (this.text[place] !== '"') {
        throw this.error(
          members.length > 0 && this.text[place] === "}" ? "Remove the comma before this" : "Expected a name in quotes",
        );
      }
      const key = this.string();
      if (members.some((one) => one.key === key)) throw this.error(`"${key}" stands here a second time`, place);
      this.space();
      if (!this.skip(":")) throw this.error(`Expected ":" after "${key}"`);
      this.space();
      members.push({ key, start: place, value: this.value(depth + 1) });
      this.space();
      if (this.skip("}")) return { kind: "object", start, end: this.at, members };
      if (!this.skip(",")) throw this.error('Expected "," or "}"');
      this.space();
    }
  }

  private array(depth: number): JsonNode {
    const start = this.at;
    const items: JsonNode[] = [];
    this.at += 1;
    this.space();
    if (this.skip("]")) return { kind: "array", start, end: this.at, items };
    for (;;) {
      if (items.length > 0 && this.text[this.at] === "]") throw this.error("Remove the comma before this");
      items.push(this.value(depth + 1));
      this.space();
      if (this.skip("]")) return { kind: "array", start, end: this.at, items };
      if (!this.skip(",")) throw this.error('Expected "," or "]"');
      this.space();
    }
  }

  private string(): string {
    const start = this.at;
    const taken = this.take(STRING);
    if (taken === null) throw this.error("This text in quotes has no end, or a character that must be escaped", start);
    return JSON.parse(taken) as string;
  }

  private take(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? null;
    if (found !== null) this.at += found.length;
    return found;
  }

  private skip(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  private space(): void {
    this.take(SPACE);
  }

  private error(message: string, offset = this.at): JsonError {
    return new JsonError(message, offset);
  }
}
