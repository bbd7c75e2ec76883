select {{ dataops.trim("' a '") }} as trimmed
