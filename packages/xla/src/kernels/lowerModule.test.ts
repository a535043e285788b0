import { expect, test } from 'vitest';
import { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import { interpretModule } from '../hlo/interpret.ts';
import type { Literal } from '../hlo/literal.ts';
import { literalFrom, toNumbers } from '../hlo/literals.ts';
import type { Instruction, Module } from '../hlo/module.ts';
import { type ArrayShape, arrayShape, byteSize, elementCount, tupleShape } from '../hlo/shape.ts';
import { ElementalEmitter } from './elemental/elemental.ts';
import { interpretProgram } from './interpretProgram.ts';
import type { Expr } from './ir.ts';
import { KernelBuilder } from './kernelBuilder.ts';
import { lowerModule } from './lowerModule.ts';
import { programText } from './programText.ts';
import { operandArg, outputArg, type Scheduled } from './schedule.ts';
import type { Target } from './target.ts';

const target: Target = {
  name: 'test',
  vectorBytes: 16,
  vectorRegisters: 16,
  fma: false,
  gemm: { mr: 2, nr: 8, ku: 1 },
  l1Bytes: 32768,
  l2Bytes: 262144,
  maxThreads: 3,
};

/** One loop over the elements, shared by the threads: enough to show what the lowering does. */
function scheduleElements(x: Instruction): Scheduled {
  const { dims, dtype } = x.shape as ArrayShape;
  const k = new KernelBuilder(x.opcode);
  const buffers = new Map(x.operands.map((o, i) => [o, k.buffer(`x${i}`, (o.shape as ArrayShape).dtype, 'read')]));
  const out = k.buffer('out', dtype, 'write');
  const { lo, hi } = k.share(elementCount(dims));
  k.for(lo, hi, (i) => {
    const emitter = new ElementalEmitter({
      k,
      leaf: (y) => (buffers.has(y) ? { kind: 'buffer', buffer: buffers.get(y)! } : undefined),
    });
    const index: Expr[] = [];
    let rest = i;
    for (const d of [...dims].reverse()) {
      index.unshift(k.let(k.rem(rest, d)));
      rest = k.div(rest, d);
    }
    k.store(out, i, emitter.emit(x, index, 1));
  });
  const operands = [...buffers.keys()];
  const inPlace = operands.flatMap((o, operand) => {
    const same = x.opcode !== 'reverse' && byteSize(o.shape as ArrayShape) === byteSize(x.shape as ArrayShape);
    return same ? [{ operand: x.operands.indexOf(operands[operand]!), output: 0 }] : [];
  });
  const kernel = k.finish({ parallel: true, cost: { flops: elementCount(dims), bytes: 0 } });
  const args = [...operands.map((o) => operandArg(x.operands.indexOf(o))), outputArg()];
  return { launches: [{ kernel, args }], scratch: [], inPlace };
}

function lower(module: Module) {
  return lowerModule(module, target, scheduleElements);
}

/** The program computes what the interpreter does, with one thread and with three. */
function check(module: Module, args: readonly Literal[]): void {
  const expected = interpretModule(module, args).map(toNumbers);
  for (const threads of [1, 3]) expect(interpretProgram(lower(module), args, threads).map(toNumbers)).toEqual(expected);
}

const f4 = arrayShape('f32', [4]);
const ramp = (start: number): Literal => literalFrom([start, start + 1, start + 2, start + 3], 'f32', [4]);

function build(parameters: number, body: (b: HloBuilder, ...p: Value[]) => Value[], aliases: [number, number][] = []) {
  const b = new HloBuilder('m');
  const p = Array.from({ length: parameters }, (_, i) => b.parameter(i, f4));
  return b.build(
    body(b, ...p),
    aliases.map(([output, parameter]) => ({ output, parameter })),
  );
}

test('updates a variable in place and reuses one temporary', () => {
  const module = build(
    2,
    (b, v, g) => {
      const step = b.negate(b.exp(b.multiply(g!, b.full(0.5, 'f32', [4]))));
      return [b.add(v!, step)];
    },
    [[0, 0]],
  );
  expect(programText(lower(module))).toMatchInlineSnapshot(`
    "program m (f32[4], f32[4]) → (f32[4] over p0)
      arena 64 bytes, constants 64 bytes, 20 flops
      broadcast(x0:c@0+4, =out:a@0+16)  # broadcast
      barrier; multiply(x0:p1, x1:a@0+16, =out:a@0+16)  # multiply
      barrier; exp(x0:a@0+16, =out:a@0+16)  # exp
      barrier; negate(x0:a@0+16, =out:a@0+16)  # negate
      barrier; add(x0:p0, x1:a@0+16, =out:p0)  # add"
  `);
  check(module, [ramp(0), ramp(1)]);
});

test('copies instead of overwriting a variable that is read later', () => {
  const module = build(
    2,
    (b, v, g) => {
      const next = b.add(v!, g!);
      return [next, b.multiply(v!, next)];
    },
    [[0, 0]],
  );
  expect(programText(lower(module))).toMatchInlineSnapshot(`
    "program m (f32[4], f32[4]) → (f32[4] over p0, f32[4])
      arena 64 bytes, constants 0 bytes, 8 flops
      add(x0:p0, x1:p1, =out:a@0+16)  # add
      barrier; multiply(x0:p0, x1:a@0+16, =out:r1)  # multiply
      barrier; one thread; copy_16(from:a@0+16, =to:p0)  # add"
  `);
  check(module, [ramp(0), ramp(1)]);
});

test('puts readers of the old value before the update', () => {
  const module = build(
    2,
    (b, v, g) => {
      const next = b.add(v!, g!);
      return [next, b.multiply(v!, g!)];
    },
    [[0, 0]],
  );
  expect(programText(lower(module))).toMatchInlineSnapshot(`
    "program m (f32[4], f32[4]) → (f32[4] over p0, f32[4])
      arena 0 bytes, constants 0 bytes, 8 flops
      multiply(x0:p0, x1:p1, =out:r1)  # multiply
      barrier; add(x0:p0, x1:p1, =out:p0)  # add"
  `);
  check(module, [ramp(0), ramp(1)]);
});

test('swaps two variables through a temporary', () => {
  const module = build(2, (_, x, y) => [y!, x!], [
    [0, 0],
    [1, 1],
  ]);
  expect(programText(lower(module))).toMatchInlineSnapshot(`
    "program m (f32[4], f32[4]) → (f32[4] over p0, f32[4] over p1)
      arena 128 bytes, constants 0 bytes, 0 flops
      one thread; copy_16(from:p1, =to:a@0+16)  # parameter
      one thread; copy_16(from:p0, =to:a@64+16)  # parameter
      one thread; copy_16(from:a@0+16, =to:p0)  # parameter
      one thread; copy_16(from:a@64+16, =to:p1)  # parameter"
  `);
  check(module, [ramp(0), ramp(1)]);
});

test('fetches old and new values, twice, with constants and reshapes', () => {
  const module = build(
    1,
    (b, x) => {
      const y = b.negate(x!);
      const table = b.array(Float32Array.of(1, 2, 3, 4), 'f32', [4]);
      return [x!, y, y, table, b.reshape(y, [2, 2]), b.add(table, x!)];
    },
    [[1, 0]],
  );
  expect(programText(lower(module))).toMatchInlineSnapshot(`
    "program m (f32[4]) → (f32[4], f32[4] over p0, f32[4], f32[4], f32[2,2], f32[4])
      arena 0 bytes, constants 64 bytes, 8 flops
      one thread; copy_16(from:p0, =to:r0)  # parameter
      add(x0:c@0+16, x1:p0, =out:r5)  # add
      barrier; negate(x0:p0, =out:p0)  # negate
      barrier; one thread; copy_16(from:p0, =to:r2)  # negate
      one thread; copy_16(from:c@0+16, =to:r3)  # constant
      one thread; copy_16(from:p0, =to:r4)  # negate"
  `);
  check(module, [ramp(3)]);
});

function countdown(): Module {
  const b = new HloBuilder('countdown');
  const s32 = arrayShape('s32', []);
  const state = tupleShape([s32, f4, f4, f4]);
  const condition = b.computation('condition', [state], (c, s) =>
    c.compare('GT', c.getTupleElement(s!, 0), c.scalar(0, 's32')),
  );
  const body = b.computation('body', [state], (c, s) => {
    const [n, x, y, w] = [0, 1, 2, 3].map((i) => c.getTupleElement(s!, i));
    // y and x swap roles; w never changes
    return c.tuple([c.subtract(n!, c.scalar(1, 's32')), c.add(y!, w!), c.multiply(x!, c.exp(c.negate(w!))), w!]);
  });
  const [n, x, w] = [b.parameter(0, s32), b.parameter(1, f4), b.parameter(2, f4)];
  const end = b.while(b.tuple([n, x, b.negate(x), w]), condition, body);
  return b.build([b.getTupleElement(end, 1), b.getTupleElement(end, 2), b.getTupleElement(end, 3)]);
}

test('keeps loop state in place and invariant state where it is', () => {
  const module = countdown();
  expect(programText(lower(module))).toMatchInlineSnapshot(`
    "program countdown (s32[], f32[4], f32[4]) → (f32[4], f32[4], f32[4])
      arena 192 bytes, constants 128 bytes, 22 flops
      one thread; copy_16(from:p2, =to:r2)  # parameter
      negate(x0:p1, =out:r1)  # negate
      one thread; copy_4(from:p0, =to:a@64+4)  # while
      one thread; copy_16(from:p1, =to:r0)  # while
      while a@128+1 {
        barrier; compare(x0:a@64+4, x1:c@0+4, =out:a@128+1)  # compare
      } do {
        subtract(x0:a@64+4, x1:c@64+4, =out:a@64+4)  # subtract
        negate(x0:p2, =out:a@0+16)  # negate
        barrier; exp(x0:a@0+16, =out:a@0+16)  # exp
        barrier; multiply(x0:r0, x1:a@0+16, =out:a@0+16)  # multiply
        barrier; add(x0:r1, x1:p2, =out:r0)  # add
        barrier; one thread; copy_16(from:a@0+16, =to:r1)  # multiply
      }"
  `);
  check(module, [literalFrom([3], 's32', []), ramp(1), ramp(-2)]);
  check(module, [literalFrom([0], 's32', []), ramp(1), ramp(-2)]);
});

test('writes results of branches where they are wanted', () => {
  const b = new HloBuilder('branches');
  const s32 = arrayShape('s32', []);
  const branches = [
    b.computation('same', [f4], (_, x) => x!),
    b.computation('turned', [f4], (c, x) => c.reverse(c.exp(x!), [0])),
  ];
  const [i, x] = [b.parameter(0, s32), b.parameter(1, f4)];
  const y = b.conditional(i, branches, [x, x]);
  const module = b.build([y, b.negate(y)]);
  expect(programText(lower(module))).toMatchInlineSnapshot(`
    "program branches (s32[], f32[4]) → (f32[4], f32[4])
      arena 64 bytes, constants 0 bytes, 4 flops
      switch s32 p0 {
      branch 0:
        one thread; copy_16(from:p1, =to:r0)  # parameter
      branch 1:
        exp(x0:p1, =out:a@0+16)  # exp
        barrier; reverse(x0:a@0+16, =out:r0)  # reverse
      }
      barrier; negate(x0:r0, =out:r1)  # negate"
  `);
  for (const index of [0, 1, 7, -1]) check(module, [literalFrom([index], 's32', []), ramp(0)]);
});
