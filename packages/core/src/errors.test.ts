import { expect, test } from 'vitest';
import { errorClasses, errorCodes, InvalidArgumentError, TensorFlowError } from './errors.ts';

test('every code has a class that carries it', () => {
  expect(Object.keys(errorClasses)).toEqual(Object.keys(errorCodes));
  for (const [code, type] of Object.entries(errorClasses)) {
    const error = new type('fact.');
    expect(error).toBeInstanceOf(TensorFlowError);
    expect(error.code).toBe(code);
    expect(error.name).toBe(type.name);
  }
});

test('codes have TensorFlow’s numbers', () => {
  expect(Object.values(errorCodes)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
});

test('the message is formatted from fields', () => {
  const error = new InvalidArgumentError('shapes differ.', { opType: 'Add', nodeName: 'sum', details: { a: [1] } });
  expect(error.message).toBe('Add "sum": shapes differ.');
  expect(error.details).toEqual({ a: [1] });
  expect(new InvalidArgumentError('no.', { nodeName: 'x' }).message).toBe('"x": no.');
});
