/**
 * @file `import * as tf from '@tsflow/tf'`: everything under the names that TensorFlow 1.x gives it. No code of its own.
 */
export * from '@tsflow/core';
export {
  AttrValue,
  Event,
  GraphDef,
  HistogramProto,
  LogMessage,
  MetaGraphDef,
  NameAttrList,
  NodeDef,
  RunMetadata,
  SessionLog,
  Summary,
  SummaryMetadata,
} from '@tsflow/formats';
export * as summary from './summary.ts';
export * as train from './train.ts';
