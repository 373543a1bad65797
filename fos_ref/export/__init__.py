"""The golden vectors for programs in other languages: tables of whole numbers, in four forms."""
