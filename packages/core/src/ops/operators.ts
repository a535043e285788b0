/** @file Loads every family, so that all operator methods of Tensor are installed. The one import of the package with a side effect. */
export { families } from './index.ts';
