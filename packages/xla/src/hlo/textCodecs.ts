/** @file How attribute values are written and read in HLO text: one codec per kind of value. */
import type { Computation } from './module.ts';
import type { ConvDimensionNumbers, PadDim, Window, WindowDim } from './opcodes.ts';
import { type Shape, shapeText } from './shape.ts';
import type { TextNode } from './textReader.ts';

/** What codecs need of the text around them. */
export interface TextContext {
  fail(message: string, at: number): Error;
  computation(name: string, at: number): Computation;
}

export interface Codec<T> {
  print(value: T): string;
  parse(node: TextNode, context: TextContext): T;
}

const describe = (node: TextNode): string => ('text' in node ? `'${node.text}'` : `a ${node.kind}`);

function wanted(what: string, node: TextNode, context: TextContext): Error {
  return context.fail(`${what} is expected, ${describe(node)} is found.`, node.at);
}

/** Whole numbers. */
export const int: Codec<number> = {
  print: String,
  parse(node, context) {
    if (node.kind === 'number' && /^-?\d+$/.test(node.text)) return Number(node.text);
    throw wanted('a whole number', node, context);
  },
};

export const flag: Codec<boolean> = {
  print: String,
  parse(node, context) {
    if (node.kind === 'word' && (node.text === 'true' || node.text === 'false')) return node.text === 'true';
    throw wanted('true or false', node, context);
  },
};

const plainWord = /^(?!(?:inf|nan)$)[A-Za-z_][\w.-]*$/;

/** Any string: bare when it is a plain word, else quoted. */
export const text: Codec<string> = {
  print: (value) => (plainWord.test(value) ? value : JSON.stringify(value)),
  parse(node, context) {
    if (node.kind === 'word' || node.kind === 'string') return node.text;
    throw wanted('a string', node, context);
  },
};

/** One of a fixed set of words. */
export function word<T extends string>(...words: readonly T[]): Codec<T> {
  return {
    print: (value) => value,
    parse(node, context) {
      const found = words.find((w) => node.kind === 'word' && node.text === w);
      if (found !== undefined) return found;
      throw wanted(`one of ${words.join(', ')}`, node, context);
    },
  };
}

export function list<T>(item: Codec<T>): Codec<readonly T[]> {
  return {
    print: (values) => `[${values.map((v) => item.print(v)).join(', ')}]`,
    parse(node, context) {
      if (node.kind === 'list') return node.items.map((i) => item.parse(i, context));
      throw wanted('a list [ … ]', node, context);
    },
  };
}

export const ints: Codec<readonly number[]> = { ...list(int), print: (values) => `[${values.join(',')}]` };

export const computation: Codec<Computation> = {
  print: (value) => `@${text.print(value.name)}`,
  parse(node, context) {
    if (node.kind === 'reference') return context.computation(node.text, node.at);
    throw wanted('a computation @name', node, context);
  },
};

export const shape: Codec<Shape> = {
  print: shapeText,
  parse(node, context) {
    if (node.kind === 'shape') return node.shape;
    throw wanted('a shape', node, context);
  },
};

/** A record with a codec per field; fields equal to their default are left out. */
export function record<T extends object>(
  fields: { readonly [K in keyof T]: Codec<T[K]> },
  defaults: Partial<T> = {},
): Codec<T> {
  const keys = Object.keys(fields) as (keyof T & string)[];
  const textOf = <K extends keyof T>(key: K, value: T[K]) => fields[key].print(value);
  return {
    print(value) {
      const shown = keys.filter((key) => {
        const standard = defaults[key];
        return standard === undefined || textOf(key, value[key]) !== textOf(key, standard);
      });
      return `{${shown.map((key) => `${key}=${textOf(key, value[key])}`).join(', ')}}`;
    },
    parse(node, context) {
      if (node.kind !== 'record') throw wanted(`a record { ${keys.join(', ')} }`, node, context);
      for (const [key, field] of node.fields) {
        if (!(key in fields))
          throw context.fail(`there is no field '${key}'; fields are ${keys.join(', ')}.`, field.at);
      }
      const entries = keys.map((key) => {
        const field = node.fields.get(key);
        if (field !== undefined) return [key, fields[key].parse(field, context)];
        if (defaults[key] === undefined) throw context.fail(`field '${key}' is missing.`, node.at);
        return [key, defaults[key]];
      });
      return Object.fromEntries(entries) as T;
    },
  };
}

export const window: Codec<Window> = list(
  record<WindowDim>(
    { size: int, stride: int, padLow: int, padHigh: int, baseDilation: int, windowDilation: int, reversal: flag },
    { stride: 1, padLow: 0, padHigh: 0, baseDilation: 1, windowDilation: 1, reversal: false },
  ),
);

export const padding: Codec<readonly PadDim[]> = list(
  record<PadDim>({ low: int, high: int, interior: int }, { low: 0, high: 0, interior: 0 }),
);

/** Places of the letters in one array's dimensions: `b01f` has batch 0, spatial 1 and 2, feature 3. */
function letters(first: [string, number], second: [string, number], spatial: readonly number[]): string {
  const out: string[] = [];
  out[first[1]] = first[0];
  out[second[1]] = second[0];
  spatial.forEach((d, i) => {
    out[d] = String(i);
  });
  return out.join('');
}

/** `"b01f_01io->b01f"`: b batch, f feature, i/o kernel features, digits spatial dimensions in window order. */
export const convolutionDims: Codec<ConvDimensionNumbers> = {
  print(d) {
    const input = letters(['b', d.inputBatch], ['f', d.inputFeature], d.inputSpatial);
    const kernel = letters(['i', d.kernelInputFeature], ['o', d.kernelOutputFeature], d.kernelSpatial);
    const output = letters(['b', d.outputBatch], ['f', d.outputFeature], d.outputSpatial);
    return JSON.stringify(`${input}_${kernel}->${output}`);
  },
  parse(node, context) {
    const parts = node.kind === 'string' ? /^([bf\d]+)_([io\d]+)->([bf\d]+)$/.exec(node.text) : null;
    if (parts === null) throw wanted('dimensions such as "b01f_01io->b01f"', node, context);
    const [, input = '', kernel = '', output = ''] = parts;
    const place = (layout: string, letter: string) => {
      const at = layout.indexOf(letter);
      if (at < 0) throw context.fail(`'${letter}' is missing in '${layout}'.`, node.at);
      return at;
    };
    const spatial = (layout: string) => Array.from({ length: input.length - 2 }, (_, i) => place(layout, String(i)));
    return {
      inputBatch: place(input, 'b'),
      inputFeature: place(input, 'f'),
      inputSpatial: spatial(input),
      kernelInputFeature: place(kernel, 'i'),
      kernelOutputFeature: place(kernel, 'o'),
      kernelSpatial: spatial(kernel),
      outputBatch: place(output, 'b'),
      outputFeature: place(output, 'f'),
      outputSpatial: spatial(output),
    };
  },
};
