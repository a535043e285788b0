/**
 * @file One shared `FileWriter` per log directory, for code parts that log to the same run without knowing each other.
 */
import { resolve } from 'node:path';
import { FileWriter } from './fileWriter.ts';

const writers = new Map<string, FileWriter>();

/** `tf.summary.FileWriterCache` of TF 1.x. */
export const FileWriterCache = {
  /** The writer of a directory, made when it is asked for first. Closed writers are opened again. */
  get(logdir: string): FileWriter {
    const key = resolve(logdir);
    const known = writers.get(key);
    known?.reopen();
    const writer = known ?? new FileWriter(logdir);
    writers.set(key, writer);
    return writer;
  },

  /** Closes and forgets all writers. @throws the first error of a `close`, after all have been tried. */
  async clear(): Promise<void> {
    const closing = [...writers.values()].map((writer) => writer.close());
    writers.clear();
    const failed = (await Promise.allSettled(closing)).find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  },
};
