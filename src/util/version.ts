/** @file Which version of this package runs. */
import { manifest } from './package.ts'

/** This package's version, as its package.json says. */
export const version = (): string => manifest().version
