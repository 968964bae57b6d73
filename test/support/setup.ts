/** @file Before every test file: property tests draw the same cases in every run. */
import { configureGlobal } from 'fast-check'

configureGlobal({ seed: 20240229, numRuns: 50 })
