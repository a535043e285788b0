import { afterAll, describe, expect, test } from 'vitest';
import type { Backend } from '../backend.ts';
import { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import { type Storage, storageConstructors } from '../hlo/literal.ts';
import { encodeScalar, toNumbers } from '../hlo/literals.ts';
import type { Module } from '../hlo/module.ts';
import type { Opcode } from '../hlo/opcodes.ts';
import { type ArrayShape, type ElementType, elementCount, isFloat } from '../hlo/shape.ts';
import { opcodeSamples, type Sample } from './conformanceSamples.ts';
import { createBackend, lower } from './createBackend.ts';
import { WasmBackend } from './wasmBackend.ts';

const interpret = await createBackend('interpret');
const wasm = await createBackend('wasm', { threads: 1 });
/** All on the pool, whatever the size. */
const threaded = new WasmBackend(lower, { threads: 3, inlineMs: 0 });
afterAll(async () => {
  await wasm.dispose();
  await threaded.dispose();
});

function moduleOf(sample: Sample): Module {
  const b = new HloBuilder(sample.name);
  const inputs = sample.inputs.map((s, i) => b.parameter(i, s));
  const built = sample.build(b, ...inputs);
  return b.build(Array.isArray(built) ? (built as Value[]) : [built as Value]);
}

/** Mixed magnitudes and signs with exact small values; integers stay small enough for shifts and powers to mean something. */
function input(shape: ArrayShape, seed: number): Storage {
  const n = elementCount(shape.dims);
  const data = new storageConstructors[shape.dtype](n);
  let state = seed * 7919 + 17;
  for (let i = 0; i < n; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    const u = (state >>> 8) / 2 ** 24;
    const value = isFloat(shape.dtype)
      ? (u - 0.4) * 4
      : shape.dtype === 'pred'
        ? Number(u < 0.5)
        : Math.floor(u * 12) - (signed(shape.dtype) ? 4 : 0);
    (data as { [i: number]: number | bigint })[i] = encodeScalar(value, shape.dtype);
  }
  return data;
}

const signed = (t: ElementType): boolean => t[0] === 's';

/** Values, not bits: results of both backends as numbers. */
async function run(backend: Backend, sample: Sample, module: Module): Promise<number[][]> {
  const executable = await backend.compile(module);
  const args = sample.inputs.map((s, i) => {
    const buffer = backend.createBuffer(s);
    buffer.write(input(s, i));
    return buffer;
  });
  const results = executable.results.map((s) => backend.createBuffer(s));
  await executable.run(args, results);
  const values = results.map((r) => toNumbers({ shape: r.shape, data: r.read() }));
  for (const b of [...args, ...results]) b.dispose();
  executable.dispose();
  return values;
}

/** Relative tolerance by result type: sums are ordered differently, functions have their own last bits. */
const tolerance: { readonly [T in ElementType]?: number } = { f16: 2e-3, bf16: 2e-2, f32: 2e-5, f64: 1e-12 };

function close(actual: number, expected: number, relative: number): boolean {
  if (Object.is(actual, expected) || actual === expected) return true;
  if (Number.isNaN(actual) && Number.isNaN(expected)) return true;
  return Math.abs(actual - expected) <= relative * Math.max(1, Math.abs(expected));
}

const sampled = (Object.keys(opcodeSamples) as Opcode[]).flatMap((opcode) => {
  const samples = opcodeSamples[opcode];
  return samples ? [{ opcode, samples }] : [];
});

function compare(module: Module, actual: readonly number[][], expected: readonly number[][]): void {
  for (const [r, values] of expected.entries()) {
    const { dtype } = module.entry.root.operands[r]!.shape as ArrayShape;
    const got = actual[r]!;
    expect(got).toHaveLength(values.length);
    const wrong = values.findIndex((v, i) => !close(got[i]!, v, tolerance[dtype] ?? 0));
    if (wrong >= 0) expect.fail(`result ${r} at ${wrong}: expected ${values[wrong]}, received ${got[wrong]}`);
  }
}

describe.each(sampled)('$opcode', ({ samples }) => {
  test.each(samples.map((s) => [s.name, s] as const))('%s: wasm agrees with the interpreter', async (_, sample) => {
    const module = moduleOf(sample);
    const expected = await run(interpret, sample, module);
    const inline = await run(wasm, sample, module);
    compare(module, inline, expected);
    compare(module, await run(threaded, sample, module), expected);
  });
});
