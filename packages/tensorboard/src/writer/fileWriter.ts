/**
 * @file `FileWriter`: adds summaries, graphs and run metadata to an event file, with the API and habits of TF 1.x.
 */
import {
  Event,
  fromBigInt,
  GraphDef,
  type IEvent,
  type IMetaGraphDef,
  type IRunMetadata,
  type ISessionLog,
  type ISummary,
  MetaGraphDef,
  RunMetadata,
} from '@tsflow/formats';
import { EventFileError } from '../errors.ts';
import { EventFile } from './eventFile.ts';
import { type GraphLike, type StepLike, type SummaryLike, toGraphDef, toStep, toSummary } from './summaryInput.ts';

export interface FileWriterOptions {
  /** Events that may wait in memory before they are written; default 10. */
  readonly maxQueue?: number;
  /** Seconds after which waiting events are written in any case; default 120. */
  readonly flushSecs?: number;
  /** Appended to the name of each event file; default none. */
  readonly filenameSuffix?: string;
}

function checkOptions({ maxQueue = 10, flushSecs = 120, filenameSuffix = '' }: FileWriterOptions) {
  if (!Number.isInteger(maxQueue) || maxQueue < 0) {
    throw new EventFileError('INVALID_ARGUMENT', `FileWriter: maxQueue is ${maxQueue}; it must be an integer ≥ 0`);
  }
  if (!(flushSecs > 0)) {
    throw new EventFileError('INVALID_ARGUMENT', `FileWriter: flushSecs is ${flushSecs}; it must be positive`);
  }
  if (/[\\/]/.test(filenameSuffix)) {
    throw new EventFileError(
      'INVALID_ARGUMENT',
      `FileWriter: filenameSuffix "${filenameSuffix}" holds a path separator`,
    );
  }
  return { maxQueue, flushSecs, filenameSuffix };
}

/**
 * Writes an event file that TensorBoard shows.
 *
 * The file is `events.out.tfevents.<seconds>.<host><suffix>` in `logdir`, which is created when missing. Events wait in
 * memory, at most `maxQueue` of them and at most `flushSecs`; once written they are safe even if the process is killed.
 * When writing fails (a full disk), the next `add…`, `flush` or `close` throws; `flush` tries again and loses nothing.
 *
 *     const writer = new FileWriter('logs/run1', sess.graph);
 *     writer.addSummary(await sess.run(merged), step);
 *     await writer.close();
 *
 * @throws EventFileError with TensorFlow's codes: FAILED_PRECONDITION, PERMISSION_DENIED, RESOURCE_EXHAUSTED …
 */
export class FileWriter implements AsyncDisposable {
  readonly #logdir: string;
  readonly #options: Required<FileWriterOptions>;
  readonly #seenTags = new Set<string>();
  readonly #runTags = new Set<string>();
  #file: EventFile | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failure: unknown;

  constructor(logdir: string, graph?: GraphLike | null, options: FileWriterOptions = {}) {
    if (typeof logdir !== 'string' || logdir === '') {
      throw new EventFileError(
        'INVALID_ARGUMENT',
        `FileWriter: logdir is ${JSON.stringify(logdir)}; it must be a path`,
      );
    }
    this.#logdir = logdir;
    this.#options = checkOptions(options);
    this.#file = new EventFile(logdir, this.#options.filenameSuffix);
    if (graph === undefined || graph === null) return;
    const graphDef = toGraphDef(graph);
    this.addEvent({ graphDef: GraphDef.encode(graphDef).finish() });
    this.addMetaGraph({ metaInfoDef: {}, graphDef });
  }

  /** The directory that the event files are in. */
  getLogdir(): string {
    return this.#logdir;
  }

  /** Path of the event file that is open, or undefined after `close`. */
  get path(): string | undefined {
    return this.#file?.path;
  }

  /**
   * Adds a summary: what a summary op gives (bytes or a fetched string scalar), or a Summary message.
   *
   * The metadata of a tag is written with its first value only; readers remember it.
   */
  addSummary(summary: SummaryLike, globalStep?: StepLike): void {
    const { value = [] } = toSummary(summary);
    const fresh = new Set<string>();
    const values = (value ?? []).map((item) => {
      if (!item.metadata) return item;
      const tag = item.tag ?? '';
      if (!this.#seenTags.has(tag) && !fresh.has(tag)) {
        fresh.add(tag);
        return item;
      }
      const { metadata: _, ...rest } = item;
      return rest;
    });
    const stripped: ISummary = { value: values };
    this.addEvent({ summary: stripped }, globalStep);
    for (const tag of fresh) this.#seenTags.add(tag);
  }

  /** Adds any event. `wallTime` defaults to now, `globalStep` to the event's own step. */
  addEvent(event: IEvent, globalStep?: StepLike): void {
    const file = this.#openFile();
    if (this.#failure !== undefined) throw this.#failure;
    const step = globalStep === undefined ? (event.step ?? 0) : toStep(globalStep);
    const wallTime = event.wallTime ?? Date.now() / 1000;
    file.add(Event.create({ ...event, wallTime, step: typeof step === 'bigint' ? fromBigInt(step) : step }));
    if (file.pendingRecords > this.#options.maxQueue) this.#write();
    else this.#startTimer();
  }

  /** Adds a graph, or its GraphDef, for TensorBoard's graph view. */
  addGraph(graph: GraphLike, globalStep?: StepLike): void {
    this.addEvent({ graphDef: GraphDef.encode(toGraphDef(graph)).finish() }, globalStep);
  }

  /** Adds a MetaGraphDef, as message or serialized. */
  addMetaGraph(metaGraphDef: IMetaGraphDef | Uint8Array, globalStep?: StepLike): void {
    const bytes = metaGraphDef instanceof Uint8Array ? metaGraphDef : MetaGraphDef.encode(metaGraphDef).finish();
    this.addEvent({ metaGraphDef: bytes }, globalStep);
  }

  /** Adds what a traced step reported, under a tag that no other step of this writer has. */
  addRunMetadata(runMetadata: IRunMetadata | Uint8Array, tag: string, globalStep?: StepLike): void {
    if (this.#runTags.has(tag)) {
      throw new EventFileError(
        'ALREADY_EXISTS',
        `addRunMetadata: the tag "${tag}" was used before; give each traced step its own, such as "step 100"`,
        { tag },
      );
    }
    const bytes = runMetadata instanceof Uint8Array ? runMetadata : RunMetadata.encode(runMetadata).finish();
    this.addEvent({ taggedRunMetadata: { tag, runMetadata: bytes } }, globalStep);
    this.#runTags.add(tag);
  }

  /** Adds a SessionLog: START makes readers drop what an earlier, crashed run wrote from `globalStep` on. */
  addSessionLog(sessionLog: ISessionLog, globalStep?: StepLike): void {
    this.addEvent({ sessionLog }, globalStep);
  }

  /** Writes all waiting events. @throws EventFileError; call it again when the cause is gone. */
  async flush(): Promise<void> {
    if (this.#file === undefined) return;
    this.#write();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Writes all waiting events and closes the file. A second `close` does nothing. */
  async close(): Promise<void> {
    await this.flush();
    this.#file?.close();
    this.#file = undefined;
  }

  /** After `close`: goes on in a new event file of the same directory. Does nothing when open. */
  reopen(): void {
    this.#file ??= new EventFile(this.#logdir, this.#options.filenameSuffix);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #openFile(): EventFile {
    if (this.#file !== undefined) return this.#file;
    throw new EventFileError(
      'FAILED_PRECONDITION',
      `the FileWriter of "${this.#logdir}" is closed; call reopen() to go on in a new event file`,
      { logdir: this.#logdir },
    );
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      this.#file?.write();
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error;
    }
  }

  #startTimer(): void {
    this.#timer ??= setTimeout(() => this.#write(), this.#options.flushSecs * 1000).unref();
  }
}
