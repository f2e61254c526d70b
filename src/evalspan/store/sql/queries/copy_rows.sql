-- One slice of a part.
SELECT /* columns */
FROM /* rows */
WHERE /* scope */ = {scope:String}
  AND /* day */ = {day:String}
  AND sipHash64(/* key */) % {slices:UInt64} = {slice:UInt64}
