{{ segment_history_of('customer') }}
