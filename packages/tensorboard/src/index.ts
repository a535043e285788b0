/**
 * @file Event files: `FileWriter` writes what TensorBoard shows, the readers read it back, also while it grows.
 */
export { type DataLossDetails, DataLossError } from '@tsflow/formats';
export { EventFileError, type EventFileErrorCode } from './errors.ts';
export { isEventFile } from './eventFileName.ts';
export { EventFileReader, summaryIterator } from './reader/eventFileReader.ts';
export { eventFiles, type ReadRunOptions, readRunEvents } from './reader/runEvents.ts';
export { FileWriter, type FileWriterOptions } from './writer/fileWriter.ts';
export { FileWriterCache } from './writer/fileWriterCache.ts';
export type { FetchedScalar, GraphLike, StepLike, SummaryLike } from './writer/summaryInput.ts';
