/**
 * @file Reads one event file, also while it grows: remembers the end of the last whole record and goes on from there.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { DataLossError, Event, RecordParser } from '@tsflow/formats';
import { EventFileError, systemError } from '../errors.ts';

const CHUNK_BYTES = 1 << 20;

export class EventFileReader {
  readonly path: string;
  readonly #parser = new RecordParser();
  #position = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** Offset just after the last whole record read. */
  get offset(): number {
    return this.#parser.offset;
  }

  /** Bytes of a record that is not whole yet: being written, or cut off by a crash. */
  get pendingBytes(): number {
    return this.#parser.pendingBytes;
  }

  /**
   * Yields the events that were added since the last time. A cut-off last record is left for the next time.
   *
   * @throws DataLossError at a corrupt record, after all sound ones before it; the reader stays there.
   * @throws EventFileError when the file cannot be read, or has become shorter.
   */
  async *events(): AsyncGenerator<Event, void> {
    const file = await open(this.path).catch((error: unknown) => {
      throw systemError(`cannot open the event file "${this.path}"`, error);
    });
    try {
      await this.#checkSize(file);
      const chunk = new Uint8Array(CHUNK_BYTES);
      // What an earlier, abandoned read left in the parser comes first.
      yield* this.#parsed();
      for (;;) {
        const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, this.#position).catch((error: unknown) => {
          throw systemError(`cannot read the event file "${this.path}"`, error);
        });
        if (bytesRead === 0) return;
        this.#position += bytesRead;
        this.#parser.push(chunk.subarray(0, bytesRead));
        yield* this.#parsed();
      }
    } finally {
      await file.close();
    }
  }

  /**
   * The events that were added since the last time, as an array.
   *
   * @throws as `events` does, but only when there are no sound events to return; those come first.
   */
  async poll(): Promise<Event[]> {
    const found: Event[] = [];
    try {
      for await (const event of this.events()) found.push(event);
    } catch (error) {
      if (found.length === 0 || !(error instanceof DataLossError)) throw error;
    }
    return found;
  }

  /** Says that the file is complete. @throws DataLossError (`truncated`) when its last record is cut off. */
  finish(): void {
    this.#named(() => this.#parser.finish());
  }

  async #checkSize(file: FileHandle): Promise<void> {
    const { size } = await file.stat();
    if (size >= this.#position) return;
    throw new EventFileError(
      'FAILED_PRECONDITION',
      `the event file "${this.path}" shrank from ${this.#position} to ${size} bytes while it was read; open a new reader`,
      { size, position: this.#position },
    );
  }

  *#parsed(): Generator<Event, void> {
    for (;;) {
      const start = this.#parser.offset;
      const record = this.#named(() => this.#parser.next());
      if (record === undefined) return;
      yield this.#decode(record, start);
    }
  }

  #decode(record: Uint8Array, offset: number): Event {
    try {
      return Event.decode(record);
    } catch (error) {
      const message = `"${this.path}": the record at byte ${offset} is sound but holds no Event message`;
      throw new DataLossError(message, { kind: 'corrupt', offset }, error);
    }
  }

  /** Adds the path to a loss of data. */
  #named<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof DataLossError)) throw error;
      throw new DataLossError(`"${this.path}": ${error.message}`, error.details, error);
    }
  }
}

/**
 * The events of a finished event file (`tf.train.summary_iterator`).
 *
 * @throws DataLossError after the last sound event, when the file is corrupt or its last record is cut off.
 */
export async function* summaryIterator(path: string): AsyncGenerator<Event, void> {
  const reader = new EventFileReader(path);
  yield* reader.events();
  reader.finish();
}
