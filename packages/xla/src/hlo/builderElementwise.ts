/** @file The elementwise half of the builder: one method per unary and binary opcode. */
import type { BinaryMethods, UnaryMethods, Value } from './builderApi.ts';
import type { BinaryOpcode, UnaryOpcode } from './opcodes.ts';

/** Spells the elementwise methods in terms of `unary` and `binary`. */
export abstract class ElementwiseBuilder implements UnaryMethods, BinaryMethods {
  abstract unary(opcode: UnaryOpcode, x: Value): Value;
  abstract binary(opcode: BinaryOpcode, a: Value, b: Value): Value;

  abs(x: Value): Value {
    return this.unary('abs', x);
  }
  negate(x: Value): Value {
    return this.unary('negate', x);
  }
  sign(x: Value): Value {
    return this.unary('sign', x);
  }
  exp(x: Value): Value {
    return this.unary('exp', x);
  }
  expm1(x: Value): Value {
    return this.unary('expm1', x);
  }
  log(x: Value): Value {
    return this.unary('log', x);
  }
  log1p(x: Value): Value {
    return this.unary('log1p', x);
  }
  sqrt(x: Value): Value {
    return this.unary('sqrt', x);
  }
  rsqrt(x: Value): Value {
    return this.unary('rsqrt', x);
  }
  cbrt(x: Value): Value {
    return this.unary('cbrt', x);
  }
  sin(x: Value): Value {
    return this.unary('sin', x);
  }
  cos(x: Value): Value {
    return this.unary('cos', x);
  }
  tan(x: Value): Value {
    return this.unary('tan', x);
  }
  tanh(x: Value): Value {
    return this.unary('tanh', x);
  }
  logistic(x: Value): Value {
    return this.unary('logistic', x);
  }
  erf(x: Value): Value {
    return this.unary('erf', x);
  }
  floor(x: Value): Value {
    return this.unary('floor', x);
  }
  ceil(x: Value): Value {
    return this.unary('ceil', x);
  }
  roundNearestEven(x: Value): Value {
    return this.unary('round-nearest-even', x);
  }
  not(x: Value): Value {
    return this.unary('not', x);
  }
  isFinite(x: Value): Value {
    return this.unary('is-finite', x);
  }
  popcnt(x: Value): Value {
    return this.unary('popcnt', x);
  }

  add(a: Value, b: Value): Value {
    return this.binary('add', a, b);
  }
  subtract(a: Value, b: Value): Value {
    return this.binary('subtract', a, b);
  }
  multiply(a: Value, b: Value): Value {
    return this.binary('multiply', a, b);
  }
  divide(a: Value, b: Value): Value {
    return this.binary('divide', a, b);
  }
  remainder(a: Value, b: Value): Value {
    return this.binary('remainder', a, b);
  }
  power(a: Value, b: Value): Value {
    return this.binary('power', a, b);
  }
  maximum(a: Value, b: Value): Value {
    return this.binary('maximum', a, b);
  }
  minimum(a: Value, b: Value): Value {
    return this.binary('minimum', a, b);
  }
  atan2(a: Value, b: Value): Value {
    return this.binary('atan2', a, b);
  }
  and(a: Value, b: Value): Value {
    return this.binary('and', a, b);
  }
  or(a: Value, b: Value): Value {
    return this.binary('or', a, b);
  }
  xor(a: Value, b: Value): Value {
    return this.binary('xor', a, b);
  }
  shiftLeft(a: Value, b: Value): Value {
    return this.binary('shift-left', a, b);
  }
  shiftRightArithmetic(a: Value, b: Value): Value {
    return this.binary('shift-right-arithmetic', a, b);
  }
  shiftRightLogical(a: Value, b: Value): Value {
    return this.binary('shift-right-logical', a, b);
  }
}
