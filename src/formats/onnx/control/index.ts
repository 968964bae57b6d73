/** @file The operators that run graphs of their own, by name. */
import { branches } from './branches.ts'
import type { Control } from './control.ts'
import { loops } from './loops.ts'

export type { Control } from './control.ts'

export const controls: Readonly<Record<string, Control>> = { ...branches, ...loops }
