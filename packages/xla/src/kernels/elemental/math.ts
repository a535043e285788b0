/**
 * @file Transcendental functions: vector expansions for f32, library calls lane by lane for f64 (but for erf and logistic, which the
 * library lacks).
 */
import type { Expr, MathFunction } from '../ir.ts';
import type { KernelBuilder } from '../kernelBuilder.ts';
import { erfDouble } from './erfDouble.ts';
import { perLane } from './lanes.ts';
import * as exponential from './mathExp.ts';
import * as logarithm from './mathLog.ts';
import { power } from './mathPower.ts';
import * as trigonometry from './mathTrig.ts';

type Unary = (k: KernelBuilder, x: Expr) => Expr;

const doubles = (x: Expr): boolean => x.type.scalar === 'f64';

/** The f32 expansion, or the library's function on doubles. */
function by(fn: MathFunction, expansion: Unary): Unary {
  return (k, x) => (doubles(x) ? perLane(k, [x], (v) => k.math(fn, v)) : expansion(k, x));
}

function logisticDouble(k: KernelBuilder, x: Expr): Expr {
  const one = k.const('f64', 1);
  return perLane(k, [x], (v) => k.binary('divide', one, k.binary('add', one, k.math('exp', k.unary('negate', v)))));
}

/** Functions of one operand, which must be bound. */
export const mathUnary = {
  exp: by('exp', exponential.exp),
  expm1: by('expm1', exponential.expm1),
  log: by('log', logarithm.log),
  log1p: by('log1p', logarithm.log1p),
  cbrt: by('cbrt', logarithm.cbrt),
  sin: by('sin', trigonometry.sin),
  cos: by('cos', trigonometry.cos),
  tan: by('tan', trigonometry.tan),
  tanh: by('tanh', exponential.tanh),
  logistic: (k: KernelBuilder, x: Expr) => (doubles(x) ? logisticDouble(k, x) : exponential.logistic(k, x)),
  erf: (k: KernelBuilder, x: Expr) => (doubles(x) ? perLane(k, [x], (v) => erfDouble(k, v)) : exponential.erf(k, x)),
};

/** Calls a library function of two doubles on lanes of either float type. */
function inDoubles(k: KernelBuilder, a: Expr, b: Expr, f: (x: Expr, y: Expr) => Expr): Expr {
  const { scalar } = a.type;
  return perLane(k, [a, b], (x, y) => k.convert(scalar, f(k.convert('f64', x), k.convert('f64', y))));
}

export function mathAtan2(k: KernelBuilder, y: Expr, x: Expr): Expr {
  return doubles(x) ? inDoubles(k, y, x, (a, b) => k.math('atan2', a, b)) : trigonometry.atan2(k, y, x);
}

/** x − y·trunc(x/y), exact, with the sign of x. */
export function mathRemainder(k: KernelBuilder, x: Expr, y: Expr): Expr {
  return inDoubles(k, x, y, (a, b) => k.math('fmod', a, b));
}

/** x^y after IEEE 754: 1^y = 1 and (−1)^±∞ = 1, where ECMAScript's pow answers NaN. */
export function mathPower(k: KernelBuilder, x: Expr, y: Expr): Expr {
  if (!doubles(x)) return power(k, x, y);
  return inDoubles(k, x, y, (a0, b0) => {
    const a = k.let(a0, 'base');
    const b = k.let(b0, 'exponent');
    const one = k.const('f64', 1);
    const infinite = k.compare('EQ', k.unary('abs', b), k.const('f64', Infinity));
    const unit = k.binary('and', k.compare('EQ', k.unary('abs', a), one), infinite);
    const isOne = k.binary('or', k.compare('EQ', a, one), unit);
    return k.select(isOne, one, k.math('pow', a, b));
  });
}
