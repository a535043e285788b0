/**
 * @file The events of a run: all event files of one directory, in name order, purged of what a restart replaced.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DataLossError, type Event } from '@tsflow/formats';
import { systemError } from '../errors.ts';
import { isEventFile } from '../eventFileName.ts';
import { EventFileReader } from './eventFileReader.ts';
import { PurgingLog } from './purge.ts';

export interface ReadRunOptions {
  /** Drop what a restarted run wrote again; default true. */
  readonly purgeOrphanedData?: boolean;
  /** Called for each file whose rest cannot be read, with the error that says where; default: throw it at the end. */
  readonly onDataLoss?: (error: DataLossError, path: string) => void;
}

/** Paths of the event files directly in a directory, in name order, which is the order of their writing. */
export async function eventFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    throw systemError(`cannot list the log directory "${directory}"`, error);
  });
  const names = entries.filter((entry) => !entry.isDirectory() && isEventFile(entry.name)).map((entry) => entry.name);
  return names.sort().map((name) => join(directory, name));
}

/**
 * The events of all event files of a directory. A cut-off last record is passed over: a crash leaves one, and a live
 * writer is about to finish it.
 *
 * @throws DataLossError when a file is corrupt and no `onDataLoss` is given.
 */
export async function readRunEvents(directory: string, options: ReadRunOptions = {}): Promise<readonly Event[]> {
  const { purgeOrphanedData = true, onDataLoss } = options;
  const log = new PurgingLog();
  const all: Event[] = [];
  for (const path of await eventFiles(directory)) {
    try {
      for await (const event of new EventFileReader(path).events()) {
        if (purgeOrphanedData) log.add(event);
        else all.push(event);
      }
    } catch (error) {
      if (!(error instanceof DataLossError) || onDataLoss === undefined) throw error;
      onDataLoss(error, path);
    }
  }
  return purgeOrphanedData ? log.events : all;
}
