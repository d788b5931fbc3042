{{ segment_membership_of('customer') }}
