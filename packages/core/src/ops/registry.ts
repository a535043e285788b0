/** @file The registry of all op families. */
import { OpRegistry } from '../op/registry.ts';
import { families, recordsOf } from './index.ts';

export const registry = new OpRegistry(Object.values(families).flatMap(recordsOf));
