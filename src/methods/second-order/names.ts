/** @file The methods of second-order pruning by name, and what they are in a line. */

export const secondOrderMethods = {
  magnitude: '|w|, no update: the control',
  obd: 'Optimal Brain Damage: diagonal Fisher, no update (LeCun et al. 1990)',
  woodfisher: 'WoodFisher: saliencies and updates of single weights, summed (Singh & Alistarh 2020)',
  woodtaylor: 'WoodTaylor: the same with the first-order term of the loss (Singh & Alistarh 2020)',
  kfac: 'WoodFisher with the Kronecker factors of linear layers (Martens & Grosse 2015)',
  'cbs-select': 'Combinatorial Brain Surgeon, selection by local search only (Yu et al. 2022)',
  'cbs-update': 'magnitude, then the systematic update of the kept weights (Yu et al. 2022)',
  cbs: 'Combinatorial Brain Surgeon: local search and systematic update (Yu et al. 2022)',
  chita: 'CHITA: sparse regression on the gradients, in stages (Benbaki et al. 2023)',
  falcon: 'FALCON: the same under a budget of multiply-adds, too (Meng et al. 2024)',
} as const
export type SecondOrderMethod = keyof typeof secondOrderMethods
