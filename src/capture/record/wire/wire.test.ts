import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { naiveXml } from '../xml-values.ts'
import { parseCbor } from './cbor.ts'
import { decodePercent, formTree, parsePairs } from './form.ts'
import { parseXml } from './xml.ts'

const naive = (text: string): unknown => {
  const root = parseXml(text)
  return root === undefined ? undefined : naiveXml(root)
}

describe('parseXml', () => {
  it('reads elements, attributes, entities, CDATA and comments', () => {
    const text =
      '<?xml version="1.0"?>\n<!-- note --><p:A xmlns="urn:a" b=\'1>2\'><C>x &lt;&#233;&#x41;</C><C/><D><![CDATA[<raw>&amp;]]></D></p:A>'
    assert.deepEqual(naive(text), { xmlns: 'urn:a', b: '1>2', C: ['x <éA', ''], D: '<raw>&amp;' })
  })

  it('guesses booleans and numbers as the records of S3 and EC2 do', () => {
    assert.deepEqual(naive('<a><b>true</b><c>1</c><d>007</d><e>1.50</e><f>1a</f></a>'), {
      b: true,
      c: 1,
      d: '007',
      e: JSON.rawJSON('1.50'),
      f: '1a',
    })
  })

  it('refuses what is not one well-formed element', () => {
    for (const text of [
      '',
      'x',
      '<a>',
      '<a></b>',
      '</a>',
      '<a/><b/>',
      '<a',
      '<!--',
      '<a><![CDATA[x</a>',
    ]) {
      assert.equal(parseXml(text), undefined, text)
    }
    assert.equal(parseXml('<a>'.repeat(70) + '</a>'.repeat(70)), undefined)
  })

  it('takes no more time than it has characters', { timeout: 10_000 }, () => {
    const long = 'a'.repeat(1_000_000)
    assert.deepEqual(parseXml(`<A ${long} "=" b="1"/>`)?.attributes, [['b', '1']])
    assert.equal(parseXml(`<A ${long}${' '.repeat(1_000_000)}x="1"/>`)?.attributes.length, 1)
  })

  it('knows five entities and nothing that objects have', () => {
    assert.equal(parseXml('<a>&lt;&valueOf;&toString;</a>')?.text, '<&valueOf;&toString;')
  })

  it('expands nothing that a document defines', () => {
    const text = '<!DOCTYPE a [<!ENTITY x "boom">]><a>&x;</a>'
    const root = parseXml(text)
    assert.ok(root === undefined || root.text === '&x;')
  })

  it('reads back what is written, whatever the text', () => {
    const escaped = (text: string) => text.replace(/[<&]/g, (char) => `&#${char.charCodeAt(0)};`)
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        assert.equal(parseXml(`<a>${escaped(text)}</a>`)?.text, text)
      }),
    )
  })
})

describe('parseCbor', () => {
  const read = (hex: string): unknown => parseCbor(Buffer.from(hex, 'hex'))

  it('reads the examples of RFC 8949, appendix A', () => {
    assert.equal(read('00'), 0)
    assert.equal(read('1818'), 24)
    assert.equal(read('1903e8'), 1000)
    assert.equal(read('1a000f4240'), 1_000_000)
    assert.equal(read('1b000000e8d4a51000'), 1_000_000_000_000)
    assert.equal(read('3863'), -100)
    assert.equal(read('f93c00'), 1)
    assert.equal(read('f97bff'), 65504)
    assert.equal(read('fa47c35000'), 100_000)
    assert.equal(read('fb3ff199999999999a'), 1.1)
    assert.deepEqual([read('f4'), read('f5'), read('f6')], [false, true, null])
    assert.equal(read('c11a514b67b0'), 1_363_896_240)
    assert.deepEqual(read('4401020304'), Buffer.from([1, 2, 3, 4]))
    assert.equal(read('6449455446'), 'IETF')
    assert.deepEqual(read('8301820203820405'), [1, [2, 3], [4, 5]])
    assert.deepEqual(read('a26161016162820203'), { a: 1, b: [2, 3] })
    assert.equal(read('7f657374726561646d696e67ff'), 'streaming')
    assert.deepEqual(read('5f42010243030405ff'), Buffer.from([1, 2, 3, 4, 5]))
    assert.deepEqual(read('bf61610161629f0203ffff'), { a: 1, b: [2, 3] })
  })

  it('never throws and refuses what is cut off or deep', () => {
    for (const hex of ['', '18', '61', '81', 'ff', '0000', '9f', '1c', '81'.repeat(200)]) {
      assert.equal(read(hex), undefined, hex)
    }
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseCbor(Buffer.from(bytes))))
  })
})

describe('forms', () => {
  it('decode what SDKs encode, and what nobody should', () => {
    assert.deepEqual(parsePairs('a=b+c&d=%C3%BC&e&=f&g=h=i'), [
      ['a', 'b c'],
      ['d', 'ü'],
      ['e', ''],
      ['', 'f'],
      ['g', 'h=i'],
    ])
    assert.equal(decodePercent('100%'), '100%')
    assert.equal(decodePercent('%ff%41ü'), '\ufffdAü')
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        assert.equal(decodePercent(encodeURIComponent(text.toWellFormed())), text.toWellFormed())
      }),
    )
  })

  it('become the tree of their dots', () => {
    const tree = formTree([
      ['A.1.B', 'x'],
      ['A.2', 'y'],
      ['A', 'z'],
    ])
    const a = tree.children.get('A')
    assert.equal(a?.value, 'z')
    assert.deepEqual([...(a?.children.keys() ?? [])], ['1', '2'])
    assert.equal(a?.children.get('1')?.children.get('B')?.value, 'x')
  })
})
