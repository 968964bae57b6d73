/**
 * @file Before every test file: property tests draw the same cases in every run, or others with FC_SEED, and
 * FC_RUNS of them.
 */
import { configureGlobal } from 'fast-check'
import { RUNS } from './breadth.ts'

configureGlobal({ seed: Number(process.env.FC_SEED ?? 20240229), numRuns: RUNS })
