"""Other people's data: files in the formats of Metapsy and RevMan, and tables of trial arms.

``delimited`` reads text, ``metapsy``, ``revman`` and ``arm_table`` know one format each and give
a :class:`~combined_care.foreign.foreign_table.ForeignData`; ``vocabulary`` and ``into_project``
bring that into the data folder of a project.
"""
