{{ segment_history_of('account') }}
