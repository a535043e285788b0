import { expect, test } from 'vitest';
import { caseNamed, cases, selectCases } from './cases.ts';

const names = (...selected: string[]) => selectCases(selected).cases.map(({ name }) => name);

test('counts the work of the networks', () => {
  expect(caseNamed('mnist-cnn-train').work).toBe(8_204_902_400);
  expect(caseNamed('mnist-cnn-infer-b1').work).toBe(27_767_808);
  expect(caseNamed('mlp-train').work).toBe(13_090_816);
  expect(caseNamed('logistic-train').work).toBe(2560);
  expect(caseNamed('gemm-1024').work).toBe(2 ** 31);
});

test('counts the bytes that must move', () => {
  expect(caseNamed('elementwise-chain-10M').work).toBe(80e6);
  expect(caseNamed('elementwise-topk8-1000x10000').work).toBe(40e6);
  expect(caseNamed('elementwise-layernorm-4096x1024').work).toBe(8 * 4096 * 1024);
});

test('names convolutions by kernel, size, channels and batch', () => {
  expect(names('conv')).toHaveLength(12);
  expect(caseNamed('conv-3x3-56x56x64-64-b8').work).toBe(2 * 8 * 56 * 56 * 64 * 64 * 9);
  expect(caseNamed('conv-dw3x3-112x112x32-b1').work).toBe(2 * 112 * 112 * 32 * 9);
});

test('selects by name, by family and all, in the order of the table', () => {
  expect(names('gemm')).toEqual(['gemm-256', 'gemm-1024', 'gemm-2048']);
  expect(names('mnist-cnn-infer', 'gemm-256')).toEqual(['gemm-256', 'mnist-cnn-infer-b1', 'mnist-cnn-infer-b100']);
  expect(names('mnist-cnn-infer-b1')).toEqual(['mnist-cnn-infer-b1']);
  expect(names('all')).toHaveLength(cases.length);
  expect(selectCases(['limits'])).toEqual({ cases: [], limits: true });
});

test('refuses an unknown name and says what there is', () => {
  expect(() => selectCases(['gem'])).toThrow(/unknown case "gem"\. Cases: all, limits, gemm-256/);
});
