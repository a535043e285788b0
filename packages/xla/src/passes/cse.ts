/**
 * @file Common subexpressions. The builder interns, so equal instructions on equal operands are one object already; what interning
 * does not see are large constants of equal content. Merging those lets everything above them merge.
 */
import type { Value } from '../hlo/builderApi.ts';
import { sameLiteral } from '../hlo/literals.ts';
import type { Instruction } from '../hlo/module.ts';
import { mapModule } from '../hlo/rewrite.ts';
import { shapeText } from '../hlo/shape.ts';
import type { Pass } from './runner.ts';

/** Cheap and equal for equal contents: shape, and a few elements from all over. */
function sample({ attrs: { literal } }: Instruction<'constant'>): string {
  const { data, shape } = literal;
  const picks = Array.from({ length: 8 }, (_, i) => data[Math.floor(((data.length - 1) * i) / 7)]);
  return `${shapeText(shape)}:${picks.join()}`;
}

export const cse: Pass = {
  name: 'cse',
  run: (module) => {
    const seen = new Map<string, Instruction<'constant'>[]>();
    return mapModule(module, (b, y): Value => {
      if (y.opcode !== 'constant') return y;
      const key = sample(y);
      const list = seen.get(key) ?? [];
      const same = list.find((c) => c === y || sameLiteral(c.attrs.literal, y.attrs.literal));
      if (!same) seen.set(key, [...list, y]);
      return same && same !== y ? b.constant(same.attrs.literal) : y;
    });
  },
};
