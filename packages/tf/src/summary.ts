/**
 * @file `tf.summary`: the summary ops of the core with the writer of event files.
 */
export * from '@tsflow/core/summary';
export { Event, SessionLog, Summary, SummaryDescription, TaggedRunMetadata } from '@tsflow/formats';
export { FileWriter, FileWriterCache, type FileWriterOptions } from '@tsflow/tensorboard';
