/**
 * How a file travels: whole, or in parts of one size (S3 User Guide, "Amazon S3 multipart upload limits": 10,000 parts
 * of 5 MiB to 5 GiB).
 */

const MIB = 1024 * 1024;
const SMALLEST_PART = 8 * MIB; // as the AWS CLI's multipart_chunksize
const MOST_PARTS = 10_000;
const LARGEST_PART = 5 * 1024 * MIB;
const MEMORY = 256 * MIB; // what the parts under way may take of the browser's memory
const MOST_REQUESTS = 4; // browsers open six connections to a server; pages want some too

const SMALLEST_COPIED_PART = 128 * MIB; // nothing of it travels through the browser

export interface Part {
  /** From 1. */
  number: number;
  start: number;
  end: number;
}

/** The parts of a file, none for one that travels whole. Raises RangeError when it is larger than any object can be. */
export function partsOf(size: number): Part[] {
  return size <= SMALLEST_PART ? [] : divided(size, partSize(size));
}

/** The parts of an object that is copied by the server, within it. */
export function copiedPartsOf(size: number): Part[] {
  return divided(size, Math.max(SMALLEST_COPIED_PART, partSize(size)));
}

function divided(size: number, length: number): Part[] {
  return Array.from({ length: Math.ceil(size / length) }, (_, index) => ({
    number: index + 1,
    start: index * length,
    end: Math.min((index + 1) * length, size),
  }));
}

/** The size of the parts of a file, in bytes: whole MiB, so large that 10,000 are enough. */
export function partSize(size: number): number {
  const length = Math.max(SMALLEST_PART, Math.ceil(size / MOST_PARTS / MIB) * MIB);
  if (length > LARGEST_PART) throw new RangeError("The file is larger than an object can be.");
  return length;
}

/**
 * Lets so many requests be under way at a time, and no more bytes than the memory they may take; in order of asking.
 * What is larger than the memory goes alone.
 */
export class Slots {
  private requests = 0;
  private bytes = 0;
  private readonly waiting: { bytes: number; enter: () => void }[] = [];

  constructor(
    private readonly mostRequests = MOST_REQUESTS,
    private readonly mostBytes = MEMORY,
  ) {}

  /** Does the work when there is room for it. */
  async run<Result>(bytes: number, work: () => Promise<Result>): Promise<Result> {
    await new Promise<void>((enter) => {
      this.waiting.push({ bytes, enter });
      this.admit();
    });
    try {
      return await work();
    } finally {
      this.requests -= 1;
      this.bytes -= bytes;
      this.admit();
    }
  }

  private admit(): void {
    for (;;) {
      const [next] = this.waiting;
      if (next === undefined || this.requests >= this.mostRequests) return;
      if (this.requests > 0 && this.bytes + next.bytes > this.mostBytes) return;
      this.waiting.shift();
      this.requests += 1;
      this.bytes += next.bytes;
      next.enter();
    }
  }
}
