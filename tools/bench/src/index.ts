/** @file The benchmark as a library: its cases, its measurement lines, and the report made of them. */
export { type Case, caseNamed, cases, type Spec, selectCases } from './cases.ts';
export { type Cannot, isMeasured, type Line, type Measured, parseLine } from './measurement.ts';
export { report } from './table.ts';
export { timeCalls } from './timing.ts';
