SELECT argMin(owner, (claimed_at, owner)) AS owner
FROM claims_data
WHERE kind = {kind:String} AND subject = {subject:String} AND number = {number:UInt64}
HAVING count() > 0
