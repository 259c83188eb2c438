import { describe, expect, it } from 'vitest';
import { hintFor } from '../../src/python/idioms.js';

describe('hintFor', () => {
  it.each([
    ['SyntaxError', "Missing parentheses in call to 'print'. Did you mean print(...)?", 'parentheses'],
    ['NameError', "name 'xrange' is not defined", 'range'],
    ['AttributeError', "'dict' object has no attribute 'itervalues'", 'd.values()'],
    ['TypeError', "'float' object cannot be interpreted as an integer", '//'],
    ['ModuleNotFoundError', "No module named 'Queue'", 'queue now'],
    ['ModuleNotFoundError', "No module named 'skimage.io'", 'needs skimage.io'],
    ['AttributeError', "module 'numpy' has no attribute 'bool'.", 'lost this alias'],
  ])('%s: %s', (type, message, word) => expect(hintFor(type, message)).toContain(word));

  it.each([
    ['NameError', "name 'lable' is not defined"],
    ['ZeroDivisionError', 'division by zero'],
    ['AttributeError', "'Dice' object has no attribute 'sum_axes'"],
  ])('has nothing to say of %s: %s', (type, message) => expect(hintFor(type, message)).toBeUndefined());
});
