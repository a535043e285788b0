/**
 * @file `tf.train`: training of the core with the reader of event files and the messages that TensorFlow keeps here.
 */
export * from '@tsflow/core/train';
export {
  BytesList,
  Example,
  Feature,
  FeatureList,
  FeatureLists,
  Features,
  FloatList,
  Int64List,
  SaverDef,
  SequenceExample,
} from '@tsflow/formats';
export { summaryIterator } from '@tsflow/tensorboard';
