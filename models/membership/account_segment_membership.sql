{{ segment_membership_of('account') }}
