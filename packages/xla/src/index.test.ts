import { expect, test } from 'vitest';
import * as xla from './index.ts';

test('the example of the README', async () => {
  const { arrayShape, createBackend, HloBuilder } = xla;
  const b = new HloBuilder('axpy');
  const x = b.parameter(0, arrayShape('f32', [4]));
  const y = b.parameter(1, arrayShape('f32', [4]));
  const module = b.build([b.add(b.multiply(b.full(2, 'f32', [4]), x), y)]);

  const backend = await createBackend('wasm', { threads: 2 });
  const program = await backend.compile(module);
  const xs = backend.createBuffer(arrayShape('f32', [4]));
  const ys = backend.createBuffer(arrayShape('f32', [4]));
  const out = backend.createBuffer(arrayShape('f32', [4]));
  xs.write(new Float32Array([1, 2, 3, 4]));
  await program.run([xs, ys], [out]);
  expect(out.read()).toEqual(new Float32Array([2, 4, 6, 8]));
  await backend.dispose();
});

test('unknown backends are refused with the known ones', async () => {
  // @ts-expect-error: not a backend's name
  await expect(xla.createBackend('cuda')).rejects.toThrow('there is no backend "cuda"; supported are interpret, wasm');
});
