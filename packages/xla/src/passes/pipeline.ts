/** @file The passes in their order: the table of contents of the compiler's middle. */
import { canonicalizeDot } from './canonicalizeDot.ts';
import { convolutionToDot } from './convolutionToDot.ts';
import { cse } from './cse.ts';
import { dce } from './dce.ts';
import { foldConstants } from './foldConstants.ts';
import { fuse } from './fuse.ts';
import { inlineCalls } from './inlineCalls.ts';
import { fixpoint, type Pipeline } from './runner.ts';
import { simplifyAlgebra } from './simplifyAlgebra.ts';
import { simplifyReduce } from './simplifyReduce.ts';
import { simplifyShape } from './simplifyShape.ts';

export const pipeline: Pipeline = [
  fixpoint('simplify', [
    inlineCalls, // first: what is inside a call can simplify with what is around it
    foldConstants,
    simplifyAlgebra,
    simplifyShape,
    simplifyReduce,
    convolutionToDot, // before dots become canonical
    canonicalizeDot,
    cse,
    dce,
  ]),
  fuse, // last: nothing looks inside a fusion afterwards
];
