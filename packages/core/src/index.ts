/** @file Public API of the core: what `tf.*` offers. */
export * from './errors.ts';
