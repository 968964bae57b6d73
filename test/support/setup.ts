/**
 * @file Before every test file: property tests draw the same cases in every run, or others with FC_SEED, and
 * half of FC_RUNS for every change; long lists of numbers are compared quickly.
 */
import { configureGlobal } from 'fast-check'
import { draws } from './breadth.ts'
import './same-numbers.ts'

configureGlobal({ seed: Number(process.env.FC_SEED ?? 20240229), ...draws(undefined, 1 / 2) })
