import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseXml, textOf } from './body.ts'
import { S3Fault } from './fault.ts'

const keyOf = (xml: string): string | undefined =>
  textOf(parseXml(Buffer.from(xml), 'Delete'), 'Key')

describe('XML bodies', () => {
  it('have five entities and character references', () => {
    assert.equal(
      keyOf('<Delete><Key>&lt;&amp;&gt;&quot;&apos;&#65;&#x42;</Key></Delete>'),
      '<&>"\'AB',
    )
  })

  it('have no other entity, not even a name that every object has', () => {
    for (const name of ['foo', 'constructor', 'toString', 'valueOf', '__proto__', '#xD800']) {
      assert.throws(() => keyOf(`<Delete><Key>&${name};</Key></Delete>`), S3Fault, name)
    }
  })
})
