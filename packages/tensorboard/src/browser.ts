/**
 * @file What this package is in a browser, where there are no files: the same names, and a coded error for whoever uses one. So programs
 * that import `@tsflow/tf` bundle for the browser, and learn what is missing only where they write or read event files.
 */
import { EventFileError } from './errors.ts';

export { type DataLossDetails, DataLossError } from '@tsflow/formats';
export { EventFileError, type EventFileErrorCode } from './errors.ts';
export { isEventFile } from './eventFileName.ts';

function refuse(name: string): never {
  throw new EventFileError(
    'FAILED_PRECONDITION',
    `${name} needs a file system, which a browser does not have. Fetch summaries with session.run and send their bytes to a server that writes them.`,
  );
}

export class FileWriter {
  constructor() {
    refuse('FileWriter');
  }
}

export const FileWriterCache = {
  get: (): never => refuse('FileWriterCache'),
  clear: (): never => refuse('FileWriterCache'),
};

export class EventFileReader {
  constructor() {
    refuse('EventFileReader');
  }
}

export function summaryIterator(): never {
  return refuse('summaryIterator');
}

export function readRunEvents(): never {
  return refuse('readRunEvents');
}

export function eventFiles(): never {
  return refuse('eventFiles');
}
