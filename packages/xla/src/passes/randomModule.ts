/** @file Random modules for property tests: elementwise work, shape changes, reductions, dots, loops and branches on small arrays. */
import * as fc from 'fast-check';
import { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import { dimsOf, dtypeOf } from '../hlo/graph.ts';
import type { InputOutputAlias, Module } from '../hlo/module.ts';
import { arrayShape, sameShape, tupleShape } from '../hlo/shape.ts';

/** One step of building: what to do, and numbers that pick among what there is. */
interface Choice {
  readonly action: number;
  readonly picks: readonly number[];
}

const choice: fc.Arbitrary<Choice> = fc.record({
  action: fc.nat(999),
  picks: fc.array(fc.nat(999), { minLength: 4, maxLength: 4 }),
});

const shapes = [[4, 6], [4, 6], [6], [4], [], [2, 2, 6]];

class RandomBuilder {
  readonly b: HloBuilder;
  readonly values: Value[];

  constructor(b: HloBuilder, values: readonly Value[]) {
    this.b = b;
    this.values = [...values];
  }

  pick(n: number, when: (x: Value) => boolean = () => true): Value | undefined {
    const list = this.values.filter((x) => x.shape.kind === 'array' && when(x));
    return list[n % Math.max(list.length, 1)];
  }

  float(n: number): Value {
    return this.pick(n, (x) => dtypeOf(x) === 'f32') as Value;
  }

  like(x: Value, n: number): Value {
    return this.pick(n, (y) => sameShape(x.shape, y.shape)) as Value;
  }

  add(x: Value | undefined): void {
    if (x) this.values.push(x);
  }

  step({ action, picks: [p, q, r, s] }: Choice): void {
    const [i, j, k, l] = [p, q, r, s] as [number, number, number, number];
    const actions: (() => Value | undefined)[] = [
      () => this.b.add(this.float(i), this.like(this.float(i), j)),
      () => this.b.multiply(this.float(i), this.like(this.float(i), j)),
      () => this.b.subtract(this.float(i), this.like(this.float(i), j)),
      () => this.b.maximum(this.float(i), this.like(this.float(i), j)),
      () => this.b.tanh(this.float(i)),
      () => this.b.negate(this.float(i)),
      () => this.b.logistic(this.float(i)),
      () => this.select(i, j, k),
      () => this.shrink(i, j),
      () => this.spread(i, j),
      () => this.b.reshape(this.float(i), reshapeTo(dimsOf(this.float(i)), j)),
      () =>
        this.b.transpose(
          this.float(i),
          dimsOf(this.float(i))
            .map((_, d) => d)
            .reverse(),
        ),
      () => this.b.full((j % 5) - 2, 'f32', dimsOf(this.float(i))),
      () => this.reduce(i, j, k),
      () => this.reduce(i, j, k),
      () => this.dot(i, j),
      () => this.paste(i, j),
      () => this.loop(i, j, k),
      () => this.branch(i, j, k),
      () => this.b.convert(this.b.convert(this.float(l), 's32'), 'f32'),
    ];
    this.add(actions[action % actions.length]?.());
  }

  private select(i: number, j: number, k: number): Value {
    const x = this.float(i);
    return this.b.select(this.b.compare('GT', x, this.like(x, j)), this.like(x, k), x);
  }

  private shrink(i: number, j: number): Value | undefined {
    const x = this.float(i);
    const dims = dimsOf(x);
    const d = j % Math.max(dims.length, 1);
    if ((dims[d] ?? 0) < 3) return undefined;
    const limits = dims.map((n, e) => (e === d ? n - 1 : n));
    const part = this.b.slice(
      x,
      dims.map((_, e) => (e === d ? 1 : 0)),
      limits,
    );
    const padding = dims.map((_, e) => ({ low: e === d ? 2 : 0, high: 0, interior: 0 }));
    return this.b.pad(part, this.b.scalar(0.5, 'f32'), padding);
  }

  private spread(i: number, j: number): Value | undefined {
    const x = this.pick(i, (y) => dtypeOf(y) === 'f32' && dimsOf(y).length < 2);
    if (!x) return undefined;
    const [n] = dimsOf(x);
    if (n === undefined) return this.b.broadcast(x, shapes[j % shapes.length] as number[], []);
    return n === 4 ? this.b.broadcast(x, [4, 6], [0]) : n === 6 ? this.b.broadcast(x, [4, 6], [1]) : undefined;
  }

  private reduce(i: number, j: number, k: number): Value {
    const x = this.float(i);
    const op = (['add', 'maximum', 'minimum'] as const)[k % 3] as 'add';
    const dimensions = dimsOf(x).flatMap((_, d) => ((j >> d) % 2 === 1 ? [d] : []));
    return this.b.reduce([x], [this.b.scalar(0, 'f32')], dimensions, this.b.reducer(op, 'f32'));
  }

  private dot(i: number, j: number): Value | undefined {
    const matrix = (y: Value): boolean => dtypeOf(y) === 'f32' && dimsOf(y).length === 2;
    const [x, y] = [this.pick(i, matrix), this.pick(j, matrix)];
    if (!x || !y) return undefined;
    for (const lhs of [0, 1]) {
      for (const rhs of [0, 1]) {
        if (dimsOf(x)[lhs] !== dimsOf(y)[rhs]) continue;
        return this.b.tanh(
          this.b.dot(x, y, { lhsBatch: [], rhsBatch: [], lhsContracting: [lhs], rhsContracting: [rhs] }),
        );
      }
    }
    return undefined;
  }

  private paste(i: number, j: number): Value | undefined {
    const x = this.float(i);
    const y = this.like(x, j);
    return dimsOf(x).length > 0
      ? this.b.slice(
          this.b.concatenate([x, y], 0),
          dimsOf(x).map(() => 0),
          dimsOf(x),
        )
      : undefined;
  }

  private loop(i: number, j: number, k: number): Value {
    const { b } = this;
    const x = this.float(i);
    const y = this.like(x, j);
    const n = arrayShape('s32', []);
    const state = tupleShape([n, x.shape, x.shape, x.shape]);
    const condition = b.computation('condition', [state], (c, s) =>
      c.compare('LT', c.getTupleElement(s as Value, 0), c.scalar(k % 4, 's32')),
    );
    const body = b.computation('body', [state], (c, s) => {
      const [m, p, q, w] = [0, 1, 2, 3].map((e) => c.getTupleElement(s as Value, e)) as [Value, Value, Value, Value];
      const first = k % 3 === 0 ? q : c.tanh(c.add(p, q));
      const second = k % 2 === 0 ? p : c.subtract(q, c.multiply(w, p));
      return c.tuple([c.add(m, c.scalar(1, 's32')), first, second, w]);
    });
    const end = b.while(b.tuple([b.scalar(0, 's32'), x, y, this.like(x, k)]), condition, body);
    this.add(b.getTupleElement(end, 2));
    return b.getTupleElement(end, 1);
  }

  private branch(i: number, j: number, k: number): Value {
    const { b } = this;
    const x = this.float(i);
    const total = b.reduce(
      [x],
      [b.scalar(0, 'f32')],
      dimsOf(x).map((_, d) => d),
      b.reducer('add', 'f32'),
    );
    const same = b.computation('same', [x.shape], (_, p) => p as Value);
    const other = b.computation('other', [x.shape], (c, p) => c.multiply(c.negate(p as Value), p as Value));
    const branches = k % 2 === 0 ? [same, other] : [other, same];
    return b.conditional(b.compare('LT', total, b.scalar(0, 'f32')), branches, [x, this.like(x, j)]);
  }
}

function reshapeTo(dims: readonly number[], n: number): number[] {
  const count = dims.reduce((m, d) => m * d, 1);
  const choices = [[count], [1, count], [4, 6], [2, 2, 6]].filter((c) => c.reduce((m, d) => m * d, 1) === count);
  return choices[n % choices.length] as number[];
}

/** Modules of up to `steps` steps; some results replace parameters. */
export function randomModule(steps: number): fc.Arbitrary<Module> {
  return fc
    .record({
      choices: fc.array(choice, { minLength: 1, maxLength: steps }),
      results: fc.array(fc.nat(999), { minLength: 1, maxLength: 4 }),
      alias: fc.array(fc.nat(999), { maxLength: 3 }),
    })
    .map(({ choices, results, alias }) => {
      const b = new HloBuilder('random');
      const parameters = shapes.map((dims, i) => b.parameter(i, arrayShape('f32', dims)));
      const random = new RandomBuilder(b, parameters);
      for (const c of choices) random.step(c);
      // Late values first, so that most of the module is alive.
      const late = [...random.values].reverse();
      const chosen = results.map((r, i) => late[i === 0 ? 0 : r % late.length] as Value);
      const aliases: InputOutputAlias[] = [];
      for (const a of alias) {
        const output = a % chosen.length;
        const parameter = parameters.findIndex(
          (p, i) => sameShape(p.shape, (chosen[output] as Value).shape) && i >= a % 2,
        );
        const taken = aliases.some((o) => o.output === output || o.parameter === parameter);
        if (parameter >= 0 && !taken) aliases.push({ output, parameter });
      }
      return b.build(chosen, aliases);
    });
}
