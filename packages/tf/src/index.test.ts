import * as core from '@tsflow/core';
import * as coreSummary from '@tsflow/core/summary';
import * as coreTrain from '@tsflow/core/train';
import { FileWriter } from '@tsflow/tensorboard';
import { expect, expectTypeOf, test } from 'vitest';
import * as tf from './index.ts';

test('offers everything of the core', () => {
  const missing = Object.keys(core).filter((name) => !(name in tf));
  expect(missing).toEqual([]);
});

test('tf.summary has the ops of the core and the writer, as values and as types', () => {
  expect(Object.keys(coreSummary).filter((name) => !(name in tf.summary))).toEqual([]);
  expect(tf.summary.FileWriter).toBe(FileWriter);
  expect(tf.summary.scalar).toBe(coreSummary.scalar);
  expectTypeOf<tf.summary.FileWriter>().toEqualTypeOf<FileWriter>();
  expectTypeOf(tf.summary.FileWriter).toBeConstructibleWith('logs', tf.getDefaultGraph(), { maxQueue: 1 });
  expectTypeOf(tf.summary.histogram).returns.toEqualTypeOf<tf.Tensor>();
});

test('tf.train has the optimizers of the core, as values and as types', () => {
  expect(Object.keys(coreTrain).filter((name) => !(name in tf.train))).toEqual([]);
  expect(tf.train.AdamOptimizer).toBe(coreTrain.AdamOptimizer);
  expectTypeOf<tf.train.AdamOptimizer>().toEqualTypeOf<coreTrain.AdamOptimizer>();
  expectTypeOf(new tf.train.AdamOptimizer(0.1)).toHaveProperty('minimize');
  expectTypeOf<tf.train.Example>().toHaveProperty('features');
});

test('messages are classes and types', () => {
  expect(tf.GraphDef.decode(tf.GraphDef.encode({ node: [{ name: 'a' }] }).finish()).node[0]?.name).toBe('a');
  expectTypeOf<tf.GraphDef>().toHaveProperty('node');
});
