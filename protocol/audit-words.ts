/** What verdicts, attacks and guesses are called and mean, for those who never heard of them. */
import type { AuditLevel } from './audit-level.js'

export interface LevelWords {
  readonly label: string
  /** What was found, for a headline. */
  readonly found: string
  /** What it means for the people whose records these are. */
  readonly means: string
}

export const LEVEL_WORDS: Readonly<Record<AuditLevel, LevelWords>> = {
  'not-demonstrated': {
    label: 'Not demonstrated',
    found: 'No leak was demonstrated with what was tried',
    means:
      'No attack went beyond the limits of the rules below; the numbers beside this say how far they came. That bounds these attacks with this budget and no others: it is no proof that an update reveals nothing.',
  },
  elevated: {
    label: 'Elevated',
    found: 'One update tells something about the records behind it',
    means:
      'Whoever reads one client’s update learns more than public knowledge tells: roughly what a record looks like, which one of several it is, or its label.',
  },
  high: {
    label: 'High',
    found: 'Records behind one update can be recognised',
    means:
      'Whoever reads one client’s update can make a likeness of a record that is close enough to tell it from others of its class far more often than by chance, or that is far closer than any guess from public knowledge.',
  },
  certain: {
    label: 'Certain',
    found: 'Records can be read out of one update',
    means:
      'Whoever reads one client’s update gets the record itself, exactly or so closely that it is recognised every time. The update must be treated like the record.',
  },
}

export interface AttackWords {
  readonly label: string
  /** Where columns are narrow. */
  readonly short: string
  readonly does: string
  readonly source: string
}

export const ATTACK_WORDS: Readonly<Record<string, AttackWords>> = {
  analytic: {
    label: 'Analytic leak',
    short: 'Analytic',
    does: 'computes the input of a dense layer from its gradient by a formula, without any search',
    source: 'Phong et al. 2017',
  },
  latent: {
    label: 'LATENT',
    short: 'LATENT',
    does: 'searches what a generator of typical records must be told to match the update',
    source: 'the first stage of GIFD',
  },
  gifd: {
    label: 'GIFD',
    short: 'GIFD',
    does: 'searches the generator’s input, then its inner layers one after the other, within bounds',
    source: 'Fang et al., ICCV 2023',
  },
  'gifd-cma': {
    label: 'GIFD-CMA',
    short: 'GIFD-CMA',
    does: 'is GIFD that begins where the evolutionary search of GGL ended, where that is better',
    source: 'GIFD and GGL together',
  },
  ig: {
    label: 'IG, Inverting Gradients',
    short: 'IG',
    does: 'searches the values of the record themselves, by the angle between updates',
    source: 'Geiping et al., NeurIPS 2020',
  },
  gi: {
    label: 'GI, GradInversion',
    short: 'GI',
    does: 'searches the values of several records at once, several tries kept close to their mean',
    source: 'Yin et al., CVPR 2021',
  },
  gias: {
    label: 'GIAS',
    short: 'GIAS',
    does: 'searches the generator’s input, then bends the generator itself',
    source: 'Jeon et al., NeurIPS 2021',
  },
  ggl: {
    label: 'GGL',
    short: 'GGL',
    does: 'searches the generator’s input by evolution, without gradients',
    source: 'Li et al., CVPR 2022',
  },
  dlg: {
    label: 'DLG, Deep Leakage',
    short: 'DLG',
    does: 'searches the values of the record and its label together',
    source: 'Zhu et al., NeurIPS 2019',
  },
  idlg: {
    label: 'iDLG',
    short: 'iDLG',
    does: 'is DLG that reads the label off the update first',
    source: 'Zhao et al. 2020',
  },
}

/** A name of the report; one that is not known here stands for itself. */
export const attackWords = (name: string): AttackWords =>
  Object.hasOwn(ATTACK_WORDS, name) && ATTACK_WORDS[name] !== undefined
    ? ATTACK_WORDS[name]
    : { label: name, short: name, does: 'is not described here', source: '–' }

/** Guesses that did not see the update of the record. */
export const CONTROL_WORDS = {
  'class-mean': {
    label: 'Class mean',
    short: 'mean',
    does: 'the mean of the public records of the class',
  },
  'random-same-class': {
    label: 'Another record of the class',
    short: 'other record',
    does: 'a public record of the same class, drawn at random',
  },
  'generator-sample': {
    label: 'Generator alone',
    short: 'generator',
    does: 'what the generator makes of the label, without the update',
  },
  placebo: {
    label: 'Placebo',
    short: 'placebo',
    does: 'the same attack on the update of another record of the class, compared with this record',
  },
} as const
