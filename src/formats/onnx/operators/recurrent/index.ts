/** @file Recurrent layers, unrolled over time into products and elementwise operators. */
import type { Translator } from '../../scope.ts'
import { gru } from './gru.ts'
import { lstm } from './lstm.ts'
import { rnn } from './rnn.ts'

export const recurrent: Record<string, Translator> = { GRU: gru, LSTM: lstm, RNN: rnn }
