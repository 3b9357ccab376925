import { describe, expect, it } from 'vitest'
import { inOrderOfInterest, metricWords } from './metric-words.js'

describe('what metrics are called', () => {
  it.each([
    ['accuracy', 'Accuracy', '91.00 %'],
    ['recall/cat', 'Recall of cat', '91.00 %'],
    ['federated/recall/a/b', 'Recall of a/b on clients’ data', '91.00 %'],
    ['clients/count', 'Clients that scored', '1'],
    ['personalAccuracy/x', 'personalAccuracy/x', '0.91'],
    ['own/accuracy', 'own/accuracy', '91.00 %'],
    ['somethingNew', 'somethingNew', '0.91'],
    ['constructor', 'constructor', '0.91'],
  ])('%s', (name, label, written) => {
    const words = metricWords(name)
    expect([words.label, words.format(0.91)]).toEqual([label, written])
  })
  it('puts first what most ask for, and keeps the order of classes', () => {
    expect(
      inOrderOfInterest(['recall/b', 'recall/a', 'other', 'loss', 'clients/worst', 'accuracy']),
    ).toEqual(['accuracy', 'loss', 'clients/worst', 'other', 'recall/b', 'recall/a'])
  })
})
