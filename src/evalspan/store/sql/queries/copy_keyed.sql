-- One slice of a part, each row with what tells it from the others.
SELECT /* columns */, sipHash64(/* key */) AS row_key
FROM /* rows */
WHERE /* scope */ = {scope:String}
  AND /* day */ = {day:String}
  AND sipHash64(/* key */) % {slices:UInt64} = {slice:UInt64}
